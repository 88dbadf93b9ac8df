"""Weights between the official files and ours, and what a file is in a few lines."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sapiens_mm import __version__
from sapiens_mm.checkpoints.errors import CheckpointError
from sapiens_mm.checkpoints.identify import identify
from sapiens_mm.checkpoints.keys import select_part
from sapiens_mm.checkpoints.mapping import release_pages
from sapiens_mm.checkpoints.read import Checkpoint, read_checkpoint
from sapiens_mm.checkpoints.trained_config import carried_meta, trained_config
from sapiens_mm.checkpoints.write import write_checkpoint
from sapiens_mm.files import whole_file
from sapiens_mm.vocabulary import keypoints_of, parts_of

_TYPES = {
    'keep': None,
    'fp32': torch.float32,
    'fp16': torch.float16,
    'bf16': torch.bfloat16,
}
_READERS = {'pose': keypoints_of, 'seg': parts_of}


def describe(checkpoint: Checkpoint) -> str:
    """Say what a checkpoint is, in a few lines."""
    identity = identify(checkpoint.state_dict)
    names = identity.config_names()
    own = trained_config(checkpoint)
    count = sum(tensor.numel() for tensor in checkpoint.state_dict.values())
    lines = [
        f'{checkpoint.path} is {identity.describe()}.',
        f'format: {checkpoint.format}',
        f'keys: {len(checkpoint.state_dict)}, with {count:,} numbers',
        f'dtype: {identity.dtype}',
        'config: its own, in the file'
        if own is not None
        else f'configs: {", ".join(names) if names else "none of ours"}',
    ]
    if own is not None and identity.task in _READERS:
        table = _READERS[identity.task](
            own, identity.num_outputs, checkpoint.meta.get('dataset_meta')
        )
        lines.append(f'{"keypoints" if identity.task == "pose" else "classes"}: ')
        lines[-1] += ', '.join(table.names)
    if identity.embed_dim:
        lines[3:3] = [
            f'encoder keys begin with: {identity.prefix_style or "(no prefix)"}',
            f'position rows: {identity.num_position_rows}'
            f'{", with a class token" if identity.has_cls_token else ""}',
        ]
    return '\n'.join(lines)


def make_meta(checkpoint: Checkpoint, to: str, part: str) -> dict[str, Any] | None:
    """Build what stands beside the weights; None for a bare dict."""
    if to == 'official':
        return None if part == 'encoder' else {}
    identity = identify(checkpoint.state_dict)
    source = checkpoint.path.name if checkpoint.path else ''
    meta: dict[str, Any] = {
        'sapiens_mm': __version__,
        'source': source,
        'description': identity.describe(),
    }
    plain = (str, int, float, bool)
    for key in ('epoch', 'iter', 'experiment_name'):
        if isinstance(checkpoint.meta.get(key), plain):
            meta[key] = checkpoint.meta[key]
    if part == 'full' and trained_config(checkpoint) is not None:
        meta |= carried_meta(checkpoint.meta)  # enough by itself, as before
    return meta


def verify(path: Path, expected: Mapping[str, Tensor], dtype: Any) -> None:
    """Read a written file again and compare it, number by number."""
    written = read_checkpoint(path).state_dict
    if set(written) != set(expected):
        raise CheckpointError('Keys were lost on the way, so nothing was written.')
    for name, tensor in expected.items():
        target = dtype if dtype and tensor.is_floating_point() else tensor.dtype
        got = written[name]
        same = got.dtype == target and got.shape == tensor.shape
        # as bytes: NaN equals NaN
        if not same or not torch.equal(_as_bytes(got), _as_bytes(tensor.to(target))):
            raise CheckpointError(f'{name} came out wrong, so nothing was written.')
        release_pages(got)
        release_pages(tensor)


def _as_bytes(tensor: Tensor) -> Tensor:
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8)


def convert_checkpoint(
    checkpoint: Checkpoint,
    output: str | os.PathLike,
    to: str = 'ours',
    part: str = 'full',
    dtype: str = 'keep',
    force: bool = False,
) -> str:
    """Write a checkpoint anew: verified and whole, or not at all.

    Args:
        checkpoint: Read from any format.
        output: ``.pth``, ``.pt`` or ``.safetensors``.
        to: ``'ours'``, with a meta that says what it is; or ``'official'``, the layout
            of the released ``.pth`` files.
        part: One of ``PARTS``.
        dtype: Of the weights, one of ``DTYPES``.
        force: Overwrite the output if it is there.

    Returns:
        What was written, in a sentence.

    Raises:
        CheckpointError: If that cannot be done.
    """
    output = Path(output).expanduser()
    if output.is_dir():
        raise CheckpointError(f'{output} is a folder; name a file in it.')
    if output.exists() and not force:
        raise CheckpointError(f'{output} exists; pass --force to overwrite it.')
    if to == 'official' and output.suffix == '.safetensors':
        raise CheckpointError(
            f'{output} cannot have the official layout, which is .pth; choose that '
            'suffix or --to ours.'
        )
    identity = identify(checkpoint.state_dict)
    whole_detector = identity.is_detector and part == 'full'
    if identity.task == 'unknown' and not whole_detector:
        raise CheckpointError(f'{checkpoint.path} is {identity.describe()}.')
    state_dict = select_part(checkpoint.state_dict, part)
    meta = make_meta(checkpoint, to, part)
    with whole_file(output) as checked:
        write_checkpoint(checked, state_dict, meta, dtype=_TYPES[dtype])
        verify(checked, state_dict, _TYPES[dtype])
    size = output.stat().st_size
    return f'{output}: {len(state_dict)} keys, {size / 1e6:,.1f} MB, verified'
