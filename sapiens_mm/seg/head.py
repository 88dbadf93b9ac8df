"""Body-part logits."""

from __future__ import annotations

from collections.abc import Sequence

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor

from sapiens_mm.layers import UpsampleStacks
from sapiens_mm.layers.bilinear import enlarge
from sapiens_mm.layers.losses import sum_by_name
from sapiens_mm.registry import MODELS


@MODELS.register_module()
class SapiensSegHead(UpsampleStacks, BaseDecodeHead):
    """Part logits by deconvolution with InstanceNorm and SiLU (Sapiens, 4.3).

    mmseg has no decode head made of transposed convolutions. Losses, dropout
    before the last layer and resizing for results are the host's; logits leave in
    float32.

    Args:
        in_channels: D of the backbone.
        num_classes: C, background included.
        channels: Channels before the last 1x1 convolution.
        deconv_out_channels: Widths of the stages that double the resolution.
        deconv_kernel_sizes: 2, 3 or 4 each.
        conv_out_channels: Widths of the stages that keep the resolution.
        conv_kernel_sizes: Odd numbers.
        **kwargs: ``dropout_ratio``, ``in_index``, ``loss_decode``,
            ``ignore_index``, ``align_corners`` and so on of mmseg's
            ``BaseDecodeHead``; others raise.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        channels: int = 768,
        deconv_out_channels: Sequence[int] = (768, 768, 768),
        deconv_kernel_sizes: Sequence[int] = (4, 4, 4),
        conv_out_channels: Sequence[int] = (768, 768, 768),
        conv_kernel_sizes: Sequence[int] = (1, 1, 1),
        **kwargs: object,
    ) -> None:
        super().__init__(in_channels, channels, num_classes=num_classes, **kwargs)
        self.build_stacks(
            in_channels,
            deconv_out_channels,
            deconv_kernel_sizes,
            conv_out_channels,
            conv_kernel_sizes,
            channels=channels,
        )

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Return logits (B, C, h * 2**n, w * 2**n), float32."""
        x = self.upsample(self._transform_inputs(inputs))
        return self.cls_seg(x).float()

    def loss_by_feat(
        self, seg_logits: Tensor, batch_data_samples: Sequence[object]
    ) -> dict[str, Tensor]:
        """Compute what the host's method does, on a CPU in a third of the time.

        The host sorts the logits of all pixels for its accuracy, which takes longer
        there than all layers of a small model.

        Args:
            seg_logits: Shape (B, C, h, w).
            batch_data_samples: mmseg's samples with ``gt_sem_seg`` of (1, H, W).

        Returns:
            The losses by name, and ``acc_seg``, percent of labelled pixels whose
            own logit is the largest.
        """
        label = self._stack_batch_gt(batch_data_samples)
        logits = enlarge(seg_logits, label.shape[2:], self.align_corners)
        weight = self.sampler.sample(logits, label) if self.sampler else None
        label = label.squeeze(1)
        options = dict(weight=weight, ignore_index=self.ignore_index)
        losses = sum_by_name(self.loss_decode, logits, label, **options)
        losses['acc_seg'] = accuracy(logits.detach(), label, self.ignore_index)
        return losses


def accuracy(logits: Tensor, label: Tensor, ignore_index: int) -> Tensor:
    """Return the percentage of labelled pixels whose own logit is the largest.

    Args:
        logits: Shape (B, C, H, W).
        label: Shape (B, H, W), classes or ``ignore_index``.
        ignore_index: Label of pixels that do not count.
    """
    labelled = label != ignore_index
    # 255 is no index; such pixels are left out below
    own = logits.gather(1, (label * labelled)[:, None])[:, 0]
    right = (own >= logits.amax(dim=1)) & labelled
    return 100.0 * right.sum() / labelled.sum().clamp(min=1)
