"""Deformable operators of ``mmcv._ext``: convolutions and multi-scale attention.

torchvision lays out offsets and masks as mmcv does, and has no public backward: our
backward functions run the forward again under autograd and ask for its gradients.
``columns``, ``ones`` and ``im2col_step`` serve the compiled algorithm and are unused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torchvision.ops import deform_conv2d

from sapiens_mm.compat.mmcv_ext.precision import wide


def deform_conv_forward(
    input: Tensor,
    weight: Tensor,
    offset: Tensor,
    output: Tensor,
    columns: Tensor,
    ones: Tensor,
    **settings: int,
) -> None:
    """Fill ``output`` (B, C', h, w) with the deformable convolution of ``input``.

    ``settings`` are mmcv's: dH, dW (stride), padH, padW, dilationH, dilationW, and
    kH, kW, group and deformable_group, which follow from the shapes.
    """
    output.copy_(_convolution(settings)(wide(input), wide(offset), wide(weight)))


def deform_conv_backward_input(
    input: Tensor,
    offset: Tensor,
    grad_output: Tensor,
    grad_input: Tensor,
    grad_offset: Tensor,
    weight: Tensor,
    columns: Tensor,
    **settings: int,
) -> None:
    """Fill ``grad_input`` and ``grad_offset``."""
    _fill_gradients(
        _convolution(settings),
        (input, offset, weight),
        grad_output,
        (grad_input, grad_offset, None),
    )


def deform_conv_backward_parameters(
    input: Tensor,
    offset: Tensor,
    grad_output: Tensor,
    grad_weight: Tensor,
    columns: Tensor,
    ones: Tensor,
    *,
    scale: float,
    **settings: int,
) -> None:
    """Add ``scale`` times the gradient of the weight to ``grad_weight``."""
    # The convolution is linear in its weight: zeros have the same gradient.
    grad = torch.zeros_like(grad_weight)
    _fill_gradients(
        _convolution(settings),
        (input, offset, torch.zeros_like(grad_weight)),
        grad_output,
        (None, None, grad),
    )
    grad_weight.add_(grad, alpha=scale)


def modulated_deform_conv_forward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    output: Tensor,
    columns: Tensor,
    *,
    with_bias: bool,
    **settings: int,
) -> None:
    """Fill ``output`` with the deformable convolution whose samples ``mask`` weights.

    ``settings`` are mmcv's: stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w,
    and kernel_h, kernel_w, group and deformable_group, which follow from the shapes.
    """
    tensors = [input, offset, weight, mask] + [bias] * with_bias
    output.copy_(_modulated_convolution(settings)(*(wide(t) for t in tensors)))


def modulated_deform_conv_backward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    columns: Tensor,
    grad_input: Tensor,
    grad_weight: Tensor,
    grad_bias: Tensor,
    grad_offset: Tensor,
    grad_mask: Tensor,
    grad_output: Tensor,
    *,
    with_bias: bool,
    **settings: int,
) -> None:
    """Fill the gradients, ``grad_bias`` only if ``with_bias``."""
    _fill_gradients(
        _modulated_convolution(settings),
        [input, offset, weight, mask] + [bias] * with_bias,
        grad_output,
        [grad_input, grad_offset, grad_weight, grad_mask] + [grad_bias] * with_bias,
    )


def ms_deform_attn_forward(
    value: Tensor,
    value_spatial_shapes: Tensor,
    value_level_start_index: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
    im2col_step: int,
) -> Tensor:
    """Return multi-scale deformable attention, (B, queries, heads * dims).

    mmcv calls this for tensors on a GPU; on the CPU it uses its own PyTorch version,
    which serves for both here.
    """
    attend = _attention(value_spatial_shapes)
    tensors = (value, sampling_locations, attention_weights)
    return attend(*(wide(t) for t in tensors)).to(value.dtype)


def ms_deform_attn_backward(
    value: Tensor,
    value_spatial_shapes: Tensor,
    value_level_start_index: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
    grad_output: Tensor,
    grad_value: Tensor,
    grad_sampling_loc: Tensor,
    grad_attn_weight: Tensor,
    im2col_step: int,
) -> None:
    """Fill ``grad_value``, ``grad_sampling_loc`` and ``grad_attn_weight``."""
    _fill_gradients(
        _attention(value_spatial_shapes),
        (value, sampling_locations, attention_weights),
        grad_output,
        (grad_value, grad_sampling_loc, grad_attn_weight),
    )


def _convolution(settings: dict[str, int]) -> Callable[..., Tensor]:
    """Return the function of (input, offset, weight) that ``settings`` describe."""
    stride, padding, dilation = (
        (settings[f'{key}H'], settings[f'{key}W']) for key in ('d', 'pad', 'dilation')
    )

    def convolve(input: Tensor, offset: Tensor, weight: Tensor) -> Tensor:
        return deform_conv2d(input, offset, weight, None, stride, padding, dilation)

    return convolve


def _modulated_convolution(settings: dict[str, int]) -> Callable[..., Tensor]:
    """Return the function of (input, offset, weight, mask[, bias])."""
    stride, padding, dilation = (
        (settings[f'{key}_h'], settings[f'{key}_w'])
        for key in ('stride', 'pad', 'dilation')
    )

    def convolve(
        input: Tensor,
        offset: Tensor,
        weight: Tensor,
        mask: Tensor,
        bias: Tensor | None = None,
    ) -> Tensor:
        return deform_conv2d(
            input, offset, weight, bias, stride, padding, dilation, mask
        )

    return convolve


def _attention(spatial_shapes: Tensor) -> Callable[..., Tensor]:
    """Return the function of (value, sampling locations, attention weights)."""
    from mmcv.ops.multi_scale_deform_attn import multi_scale_deformable_attn_pytorch

    shapes = spatial_shapes.tolist()

    def attend(value: Tensor, locations: Tensor, weights: Tensor) -> Tensor:
        return multi_scale_deformable_attn_pytorch(value, shapes, locations, weights)

    return attend


def _fill_gradients(
    function: Callable[..., Tensor],
    inputs: Sequence[Tensor],
    grad_output: Tensor,
    buffers: Sequence[Tensor | None],
) -> None:
    """Write the gradient of each input into its buffer; None: not wanted."""
    # mmcv calls this inside its autograd functions, where gradients are off
    with torch.enable_grad():
        leaves = [
            wide(tensor.detach()).requires_grad_(buffer is not None)
            for tensor, buffer in zip(inputs, buffers, strict=True)
            # float32 leaves: halves have no kernel everywhere, see wide()
        ]
        wanted = [leaf for leaf in leaves if leaf.requires_grad]
        output = function(*leaves)
        gradients = torch.autograd.grad(output, wanted, wide(grad_output))
    for buffer in buffers:
        if buffer is not None:
            gradient, *gradients = gradients
            buffer.copy_(gradient)
