"""The Sapiens vision transformer: size table, forward, feature-map output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from mmengine.model import BaseModule, PretrainedInit
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from sapiens_mm.layers import (
    Block,
    PatchEmbed,
    fit_pos_embed,
    resize_pos_embed,
    sincos_pos_embed,
)
from sapiens_mm.layers.archs import find_arch
from sapiens_mm.registry import MODELS

_OUT_TYPES = ('featmap', 'raw')


@MODELS.register_module()
class SapiensViT(BaseModule):
    """Plain high-resolution vision transformer (Sapiens, section 3).

    Arguments bear the names of mmpretrain's ``VisionTransformer`` where both have
    them, so its config lines can be pasted. mmpretrain's own class cannot be
    configured to this: it lacks the sizes, resizes no 4097-row table to 64x48 and
    has no activation checkpointing. Keys equal those of the released weights.

    Args:
        arch: Size by name (``'sapiens_0.3b'``, ``'0.3b'``, …) or a mapping with
            ``embed_dims``, ``num_layers``, ``num_heads``,
            ``feedforward_channels``.
        img_size: (H, W) in pixels the position table is made for. Other sizes run
            too: the table is resized on the fly.
        patch_size: Patch edge in pixels.
        patch_cfg: ``dict(padding=2)`` for the pose, normal, LIP and CIHP models,
            ``dict(padding=0)`` or nothing for MAE, 28 parts, face and depth. The
            wrong one loads silently and degrades results.
        in_channels: Channels of the image.
        out_indices: Blocks whose output is returned, negative ones counted from
            the end. The final norm is applied to the last block only.
        out_type: ``'featmap'`` for maps (B, D, h, w) without the class token,
            ``'raw'`` for tokens (B, P + h * w, D).
        with_cls_token: Prepend a class token (MAE encoders only).
        final_norm: LayerNorm after the last block.
        drop_path_rate: Stochastic depth of the last block; rises linearly from 0.
        frozen_stages: -1 trains all; 0 freezes patch and position embedding; n
            also the first n blocks; n = depth also the final norm.
        with_cp: Activation checkpointing: recompute each block in the backward
            pass, for less memory and about a third more time.
        init_cfg: mmengine's; ``dict(type='Pretrained', checkpoint=…)`` takes
            every file ``sapiens_mm.checkpoints`` reads, with or without the
            ``backbone.`` prefix, and fails loudly where keys do not match.

    Raises:
        ValueError: On unknown sizes, keys, indices or output types.
    """

    def __init__(
        self,
        arch: str | Mapping = 'sapiens_0.3b',
        img_size: int | tuple[int, int] = (1024, 768),
        patch_size: int = 16,
        patch_cfg: Mapping | None = None,
        in_channels: int = 3,
        out_indices: int | Sequence[int] = -1,
        out_type: str = 'featmap',
        with_cls_token: bool = False,
        final_norm: bool = True,
        drop_path_rate: float = 0.0,
        frozen_stages: int = -1,
        with_cp: bool = False,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.arch = find_arch(arch)
        depth = self.arch.num_layers
        self.embed_dims = self.arch.embed_dims
        self.num_layers = depth
        patch_cfg = dict(patch_cfg or {})
        padding = patch_cfg.pop('padding', 0)
        if patch_cfg:
            raise ValueError(f"patch_cfg knows 'padding' only, got {sorted(patch_cfg)}")
        if out_type not in _OUT_TYPES:
            raise ValueError(f'out_type must be one of {_OUT_TYPES}, got {out_type!r}')
        if not -1 <= frozen_stages <= depth:
            raise ValueError(
                f'frozen_stages must be in [-1, {depth}], got {frozen_stages}'
            )
        self.out_type = out_type
        self.frozen_stages = frozen_stages
        self.with_cp = with_cp
        self.out_indices = self._check_indices(out_indices, depth)

        dim = self.embed_dims
        self.patch_embed = PatchEmbed(in_channels, dim, patch_size, padding)
        img_size = (img_size, img_size) if isinstance(img_size, int) else img_size
        self.img_size = tuple(img_size)  # (H, W)
        self.grid_hw = self.patch_embed.grid_hw(self.img_size)
        self.num_prefix = int(with_cls_token)
        if with_cls_token:
            self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        rows = self.num_prefix + self.grid_hw[0] * self.grid_hw[1]
        self.pos_embed = nn.Parameter(torch.zeros(1, rows, dim))
        # on the CPU, as numbers of a model built on the meta device cannot be read
        rates = torch.linspace(0, drop_path_rate, depth, device='cpu').tolist()
        self.layers = nn.ModuleList(
            Block(dim, self.arch.num_heads, self.arch.feedforward_channels, rate)
            for rate in rates
        )
        self.ln1 = nn.LayerNorm(dim, eps=1e-6) if final_norm else nn.Identity()
        self._freeze()

    @staticmethod
    def _check_indices(out_indices: int | Sequence[int], depth: int) -> list[int]:
        given = [out_indices] if isinstance(out_indices, int) else list(out_indices)
        found = [index + depth if index < 0 else index for index in given]
        if not found or any(not 0 <= index < depth for index in found):
            raise ValueError(
                f'out_indices must lie in [-{depth}, {depth}), got {given}'
            )
        if sorted(set(found)) != found:
            raise ValueError(f'out_indices must rise without repeats, got {given}')
        return found

    def init_weights(self) -> None:
        """Initialise as MAE does, or load ``init_cfg``'s pretrained file.

        Linear layers and the patch projection are Xavier-uniform, feed-forward
        biases Normal(1e-6), other biases 0, the position table is sin-cos, the
        class token Normal(0.02). A second call does nothing, as in the hosts.
        """
        if self.is_init:
            return
        given = self.init_cfg or []
        for cfg in [given] if isinstance(given, Mapping) else given:
            if cfg['type'] in ('Pretrained', PretrainedInit):
                from sapiens_mm.checkpoints import load_weights, resolve

                load_weights(self, resolve(cfg['checkpoint']), part='backbone')
                self.is_init = True
                return
        if given:
            super().init_weights()
            return
        for name, module in self.named_modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if '.ffn.' in name:
                    nn.init.normal_(module.bias, std=1e-6)
                else:
                    nn.init.zeros_(module.bias)
        projection = self.patch_embed.projection
        nn.init.xavier_uniform_(projection.weight.view(self.embed_dims, -1))
        nn.init.zeros_(projection.bias)
        table = sincos_pos_embed(self.embed_dims, self.grid_hw)
        with torch.no_grad():
            # the row of the class token stays 0, as in MAE
            self.pos_embed.zero_()[:, self.num_prefix :].copy_(table)
        if self.num_prefix:
            nn.init.normal_(self.cls_token, std=0.02)
        self.is_init = True

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: object
    ) -> None:
        # mmengine's own loaders (load_from, resume) come through here
        key = f'{prefix}pos_embed'
        table = state_dict.get(key)
        if table is not None and table.shape != self.pos_embed.shape:
            state_dict[key] = fit_pos_embed(table, self.grid_hw, self.num_prefix)
        # pretraining files have one, at which a strict load would stop
        if not self.num_prefix:
            state_dict.pop(f'{prefix}cls_token', None)
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _freeze(self) -> None:
        if self.frozen_stages < 0:
            return
        self.pos_embed.requires_grad = False
        if self.num_prefix:
            self.cls_token.requires_grad = False
        modules = [self.patch_embed, *self.layers[: self.frozen_stages]]
        if self.frozen_stages == self.num_layers:
            modules.append(self.ln1)
        for module in modules:
            module.eval()
            module.requires_grad_(False)

    def train(self, mode: bool = True) -> SapiensViT:
        """Switch mode; frozen stages stay in evaluation mode."""
        super().train(mode)
        self._freeze()
        return self

    def position_table(self, grid_hw: tuple[int, int]) -> Tensor:
        """Return the position table for a patch grid.

        Args:
            grid_hw: (h, w) in patches.

        Returns:
            Shape (1, P + h * w, D).
        """
        return resize_pos_embed(
            self.pos_embed, self.grid_hw, grid_hw, num_prefix=self.num_prefix
        )

    def embed(self, image: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Turn images into tokens with positions, before the first block.

        Args:
            image: Shape (B, C, H, W), normalised.

        Returns:
            Tokens (B, P + h * w, D), and the grid (h, w).
        """
        # the hosts' preprocessors give float32 to a model in bfloat16, too
        if not torch.is_autocast_enabled(image.device.type):
            image = image.to(self.patch_embed.projection.weight.dtype)
        x, grid_hw = self.patch_embed(image)
        if self.num_prefix:
            x = torch.cat(
                [self.cls_token.expand(x.shape[0], -1, -1).to(x.dtype), x], dim=1
            )
        return x + self.position_table(grid_hw), grid_hw

    def run_block(self, layer: nn.Module, x: Tensor) -> Tensor:
        """Apply one block to tokens (B, N, D), with ``with_cp`` recomputed later."""
        # without gradients, or behind frozen blocks, nothing is kept to be saved
        if self.with_cp and x.requires_grad:
            return checkpoint(layer, x, use_reentrant=False)
        return layer(x)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Extract features.

        Args:
            image: Shape (B, C, H, W), RGB normalised with ImageNet's mean and
                standard deviation.

        Returns:
            One tensor for each of ``out_indices``: maps (B, D, h, w), or tokens
            (B, P + h * w, D) where ``out_type='raw'``.
        """
        x, grid_hw = self.embed(image)
        outputs = []
        for index, layer in enumerate(self.layers):
            x = self.run_block(layer, x)
            if index in self.out_indices:
                last = index == self.num_layers - 1
                outputs.append(self._output(self.ln1(x) if last else x, grid_hw))
                if index == self.out_indices[-1]:
                    break
        return tuple(outputs)

    def _output(self, tokens: Tensor, grid_hw: tuple[int, int]) -> Tensor:
        if self.out_type == 'raw':
            return tokens
        tokens = tokens[:, self.num_prefix :]
        return tokens.transpose(1, 2).reshape(tokens.shape[0], -1, *grid_hw)
