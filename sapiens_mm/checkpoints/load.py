"""Bring a checkpoint into a model: all of it, or an error that says why not."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from sapiens_mm.checkpoints.errors import CheckpointError
from sapiens_mm.checkpoints.identify import Identity, explain_mismatch, identify
from sapiens_mm.checkpoints.keys import BACKBONE, canonical_names
from sapiens_mm.checkpoints.locate import resolve
from sapiens_mm.checkpoints.mapping import release_pages
from sapiens_mm.checkpoints.read import Checkpoint, read_checkpoint
from sapiens_mm.checkpoints.report import LoadReport
from sapiens_mm.layers.pos_embed import fit_pos_embed

M = TypeVar('M', bound=nn.Module)
Source = str | os.PathLike | Checkpoint | Mapping[str, Tensor]

_PARTS = ('full', 'backbone')
_POS_EMBED = 'backbone.pos_embed'
# what an encoder may do without: with_cls_token=False, final_norm=False
_OPTIONAL = ('backbone.cls_token', 'backbone.ln1.weight', 'backbone.ln1.bias')


def load_into_new(
    build: Callable[[], M],
    source: Source,
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str = 'cpu',
    part: str = 'full',
    expected_hint: str | None = None,
) -> tuple[M, LoadReport]:
    """Build a model around the weights of a file, tensor by tensor.

    The model is made on the meta device, so it is never initialised and the
    memory in use stays near one copy of the weights. They are copied out of the
    file, which may be moved or overwritten afterwards.

    Args:
        build: Makes the model. Buffers outside the state dict must be real: a
            preprocessor, say, that was made before.
        source: A path, ``hf://`` or ``https://`` address, name of a released file,
            opened checkpoint, or state dict.
        dtype: Of floating-point weights; as the model was built where None.
        device: Where the weights go.
        part: ``'full'``, or ``'backbone'`` for a model that is an encoder only and
            a file that may have a head.
        expected_hint: Name of the config in use, for error messages.

    Returns:
        The model, in training mode as built, and what became of every key.

    Raises:
        CheckpointError: If the file cannot be read or is not for this model.
        RuntimeError: If the model has tied weights or unreal buffers.
    """
    checkpoint = _open(source)
    with torch.device('meta'):
        model = build()
    targets = {
        name: tensor
        # keep_vars: parameters themselves, which tell whether they are trained
        for name, tensor in model.state_dict(keep_vars=True).items()
        if isinstance(tensor, Tensor)
    }
    matches, report = _match(model, targets, checkpoint, part)
    if not report.is_complete:
        raise CheckpointError(_refusal(report, model, part, expected_hint))
    _check_kinds(matches, targets, report.source)
    _forbid_ties(model)
    if not isinstance(source, (Checkpoint, Mapping)):
        checkpoint.state_dict.clear()  # so that each tensor goes when it is copied
    state = _copied(matches, targets, dtype, device, report.source)
    model.load_state_dict(state, strict=True, assign=True)
    _require_real(model)
    # buffers outside the state dict are still where they were made
    return model.to(device), report


def load_weights(
    model: nn.Module,
    source: Source,
    *,
    part: str = 'full',
    strict: bool = True,
    allow_new_head: bool = False,
) -> LoadReport:
    """Copy weights into a model that exists, to fine-tune or to go on.

    Nothing is written before everything was checked.

    Args:
        model: A whole model, or a bare encoder.
        source: As in :func:`load_into_new`.
        part: ``'backbone'`` takes the encoder only and leaves a head as it is.
        strict: Raise unless every key of that part fits. Otherwise what fits is
            loaded, and the report lists the rest.
        allow_new_head: Head weights that do not fit (another number of keypoints,
            another task) keep the model's values; the rest stays strict.

    Returns:
        What became of every key.

    Raises:
        CheckpointError: If the file cannot be read, does not fit, or nothing in
            it fits.
        RuntimeError: If the model is on the meta device.
    """
    checkpoint = _open(source)
    targets = {
        name: tensor
        for name, tensor in model.state_dict().items()
        if isinstance(tensor, Tensor)
    }
    if any(tensor.is_meta for tensor in targets.values()):
        raise RuntimeError('The model is on the meta device; use load_into_new.')
    matches, report = _match(model, targets, checkpoint, part)
    failing = [*report.missing, *report.unexpected, *report.mismatched]
    if allow_new_head:
        failing = [name for name in failing if name.startswith(BACKBONE)]
    if (strict and failing) or not matches:
        raise CheckpointError(_refusal(report, model, part, None))
    _check_kinds(matches, targets, report.source)
    for name, tensor in matches.items():
        value = tensor.detach().to(targets[name].dtype)
        if not _is_finite(value):
            raise CheckpointError(_not_finite(name, tensor, value, report.source))
        # read once more below; kept, file and model would lie in memory together
        release_pages(tensor)
    with torch.no_grad():
        for name, tensor in matches.items():
            targets[name].copy_(tensor)
            release_pages(tensor)
    return report


def _open(source: Source) -> Checkpoint:
    if isinstance(source, Checkpoint):
        return source
    if isinstance(source, Mapping):
        return Checkpoint(dict(source), {}, None, 'memory')
    return read_checkpoint(resolve(source))


def _match(
    model: nn.Module,
    targets: Mapping[str, Tensor],
    checkpoint: Checkpoint,
    part: str,
) -> tuple[dict[str, Tensor], LoadReport]:
    """Pair the tensors of a file with the names of a model's state dict."""
    if part not in _PARTS:
        raise ValueError(f'part must be one of {_PARTS}, got {part!r}')
    where = str(checkpoint.path or 'the given state dict')
    try:
        found = checkpoint.ours
        report = LoadReport(where, identify(checkpoint))
    except CheckpointError as error:
        raise CheckpointError(f'Cannot load {where}: {error}.') from error
    used = set(checkpoint.names.values())
    report.ignored = [name for name in checkpoint.state_dict if name not in used]
    wanted = canonical_names(targets)
    matches: dict[str, Tensor] = {}
    for name, theirs in wanted.items():
        if part == 'backbone' and not name.startswith(BACKBONE):
            continue
        if name not in found:
            report.missing.append(name)
            continue
        tensor, like = found[name], targets[theirs]
        if name == _POS_EMBED and tensor.shape != like.shape:
            tensor = _fit_positions(model, theirs, tensor, like, where)
            if tensor.shape == like.shape:
                report.resized.append(name)
        if tensor.shape != like.shape:
            shapes = f'{tuple(tensor.shape)} -> {tuple(like.shape)}'
            report.mismatched.append(f'{name}: {shapes}')
            continue
        matches[theirs] = tensor
        report.loaded.append(name)
    for name in found:
        if name not in wanted:
            aside = part == 'backbone' and not name.startswith(BACKBONE)
            aside = aside or name in _OPTIONAL
            (report.skipped if aside else report.unexpected).append(name)
        elif part == 'backbone' and not name.startswith(BACKBONE):
            report.skipped.append(name)
    return matches, report


def _fit_positions(
    model: nn.Module, name: str, table: Tensor, like: Tensor, where: str
) -> Tensor:
    """Resize a position table to the grid of the module that owns ``name``."""
    if table.ndim != 3 or table.shape[2] != like.shape[2]:
        return table
    owner = model.get_submodule(name.rpartition('.')[0])
    num_prefix = int(getattr(owner, 'cls_token', None) is not None)
    grid_hw = getattr(owner, 'grid_hw', None)
    if grid_hw is None:
        grid_hw = _grid_of(like.shape[1] - num_prefix)
    try:
        with torch.no_grad():
            return fit_pos_embed(table, grid_hw, num_prefix)
    except ValueError as error:
        raise CheckpointError(f'Cannot load {where}: {error}.') from error


def _grid_of(rows: int) -> tuple[int, int]:
    """Guess the patch grid of a model that does not tell it."""
    if rows == 64 * 48:
        return 64, 48
    edge = math.isqrt(rows)
    if edge * edge != rows:
        raise CheckpointError(
            f'The model has a position table of {rows} rows and no grid_hw to tell '
            'its grid, so the one in the file cannot be fitted.'
        )
    return edge, edge


def _refusal(report: LoadReport, model: nn.Module, part: str, hint: str | None) -> str:
    found, wanted = report.identity, identify(model.state_dict())
    if part == 'backbone':
        found, wanted = _encoder_of(found), _encoder_of(wanted)
    reason = explain_mismatch(found, wanted, hint)
    if reason:
        return f'Cannot load {report.source}: {reason}.'
    target = f'the config {hint}' if hint else 'the model'
    return (
        f'Cannot load {report.source}: {found.describe()} does not fit {target}: '
        f'{report.problems() or "no key in common"}.'
    )


def _encoder_of(identity: Identity) -> Identity:
    if not identity.embed_dim:
        return identity
    return dataclasses.replace(identity, task='encoder', num_outputs=None)


def _copied(
    matches: dict[str, Tensor],
    targets: Mapping[str, Tensor],
    dtype: torch.dtype | None,
    device: torch.device | str,
    where: str,
) -> dict[str, Tensor]:
    """Copy the tensors of a file into memory one by one; ``matches`` is emptied."""
    state = {}
    # one by one: a 2B file of 8.67 GB then peaks at 1.07 times that
    for name in list(matches):
        like = targets[name]
        floating = dtype if dtype is not None and like.is_floating_point() else None
        tensor = matches.pop(name)
        # of what was read and what it became: float16 ends at 65504
        value = _copy(tensor, floating or like.dtype, device)
        if not _is_finite(value):
            raise CheckpointError(_not_finite(name, tensor, value, where))
        release_pages(tensor)
        if isinstance(like, nn.Parameter):
            value = nn.Parameter(value, requires_grad=like.requires_grad)
        state[name] = value
    return state


@torch.no_grad()
def _copy(source: Tensor, dtype: torch.dtype, device: torch.device | str) -> Tensor:
    """Return the values in memory of their own, contiguous and aligned."""
    value = torch.empty(source.shape, dtype=dtype, device=device)
    value.copy_(source)
    return value


def _check_kinds(
    matches: Mapping[str, Tensor], targets: Mapping[str, Tensor], where: str
) -> None:
    """Refuse integers and truth values where a model has weights.

    Cast to floats, quantised weights are numbers like any others, and nonsense.
    """
    for name, tensor in matches.items():
        if targets[name].is_floating_point() and not tensor.is_floating_point():
            kind = str(tensor.dtype).removeprefix('torch.')
            raise CheckpointError(
                f'Cannot load {where}: {name} holds {kind}, expected floating-point '
                'weights.'
            )


def _is_finite(value: Tensor) -> bool:
    """Tell whether all numbers are; by the extremes, which NaN passes through."""
    if not value.is_floating_point() or not value.numel():
        return True
    low, high = torch.aminmax(_computable(value.detach()))
    return bool(torch.isfinite(low) & torch.isfinite(high))


def _computable(value: Tensor) -> Tensor:
    """Return floats of 8 bits, which PyTorch computes nothing with, as others."""
    return value.float() if value.dtype.itemsize == 1 else value


def _not_finite(name: str, read: Tensor, value: Tensor, where: str) -> str:
    kind = str(value.dtype).removeprefix('torch.')
    if _is_finite(read):
        why = f'of {name} are too large for {kind}; take bfloat16 or float32'
        return f'Cannot load {where}: numbers {why}.'
    bad = int((~torch.isfinite(_computable(read))).sum())
    return (
        f'Cannot load {where}: {name} holds NaN or Inf in {bad} of {read.numel()} '
        'numbers, so its training had failed.'
    )


def _forbid_ties(model: nn.Module) -> None:
    owners: dict[int, str] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        other = owners.setdefault(id(parameter), name)
        if other != name:
            raise RuntimeError(
                f'{other} and {name} are one parameter; load_into_new would part '
                'them, use load_weights.'
            )


def _require_real(model: nn.Module) -> None:
    def unreal(tensors: Iterable[tuple[str, Tensor]]) -> list[str]:
        return [name for name, tensor in tensors if tensor.is_meta]

    names = unreal(model.named_parameters()) + unreal(model.named_buffers())
    if names:
        raise RuntimeError(
            f'{", ".join(names)} stayed on the meta device: build it before '
            'load_into_new and hand it to the model ready-made.'
        )
