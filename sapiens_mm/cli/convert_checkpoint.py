"""Convert weights between the official files and ours, or say what a file is.

    sapiens convert checkpoint sapiens_1b_….pth --info
    sapiens convert checkpoint sapiens_1b_…_torchscript.pt2 pose_1b.safetensors
    sapiens convert checkpoint work_dirs/…/epoch_9.pth out.pth --to official
    sapiens convert checkpoint pose_1b.pth encoder.pth --part encoder

The source may be a path, an hf:// or https:// address or the name of a released
file. Only weights are written: no optimizer, no schedule, no logs. The key names of
the official code and ours are the same, so the directions differ in what surrounds
the weights. A person detector of mmdet is converted whole. What was written is read
again and compared before it gets its name.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sapiens_mm import __version__
from sapiens_mm.checkpoints import (
    Checkpoint,
    CheckpointError,
    carried_meta,
    identify,
    read_checkpoint,
    resolve,
    select_part,
    trained_config,
    write_checkpoint,
)
from sapiens_mm.checkpoints.mapping import release_pages
from sapiens_mm.commands import command
from sapiens_mm.files import whole_file
from sapiens_mm.vocabulary import keypoints_of, parts_of

DTYPES = {
    'keep': None,
    'fp32': torch.float32,
    'fp16': torch.float16,
    'bf16': torch.bfloat16,
}
PARTS = ('full', 'backbone', 'encoder')
READERS = {'pose': keypoints_of, 'seg': parts_of}


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> None:  # type: ignore[override]
        print(f'{self.prog}: {message} (--help lists the options)', file=sys.stderr)
        raise SystemExit(2)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = _Parser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', help='file, address or name of a released file')
    parser.add_argument(
        'output', nargs='?', help='.pth, .pt or .safetensors to write; none with --info'
    )
    parser.add_argument('--info', action='store_true', help='say what the source is')
    parser.add_argument(
        '--to',
        choices=('ours', 'official'),
        default='ours',
        help='ours: with a meta that says what it is. official: the layout of the '
        'released .pth files, {meta, state_dict}, and for --part encoder a bare dict',
    )
    parser.add_argument(
        '--part',
        choices=PARTS,
        default='full',
        help='full: all. backbone: keys backbone.*. encoder: the same without prefix',
    )
    parser.add_argument(
        '--dtype', choices=list(DTYPES), default='keep', help='of the weights'
    )
    parser.add_argument(
        '--force', action='store_true', help='overwrite the output if it is there'
    )
    args = parser.parse_args(argv)
    if args.output is None and not args.info:
        parser.error('name an output file, or ask for --info')
    return args


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
    if own is not None and identity.task in READERS:
        table = READERS[identity.task](
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


def make_meta(checkpoint: Checkpoint, args: argparse.Namespace) -> dict | None:
    """Build what stands beside the weights; None for a bare dict."""
    if args.to == 'official':
        return None if args.part == 'encoder' else {}
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
    if args.part == 'full' and trained_config(checkpoint) is not None:
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


def convert(checkpoint: Checkpoint, args: argparse.Namespace) -> None:
    """Write the output, verified and whole, or raise CheckpointError."""
    output = Path(args.output).expanduser()
    if output.is_dir():
        raise CheckpointError(f'{output} is a folder; name a file in it.')
    if output.exists() and not args.force:
        raise CheckpointError(f'{output} exists; pass --force to overwrite it.')
    if args.to == 'official' and output.suffix == '.safetensors':
        raise CheckpointError(
            f'{output} cannot have the official layout, which is .pth; choose that '
            'suffix or --to ours.'
        )
    identity = identify(checkpoint.state_dict)
    whole_detector = identity.is_detector and args.part == 'full'
    if identity.task == 'unknown' and not whole_detector:
        raise CheckpointError(f'{checkpoint.path} is {identity.describe()}.')
    state_dict = select_part(checkpoint.state_dict, args.part)
    dtype = DTYPES[args.dtype]
    with whole_file(output) as checked:
        write_checkpoint(checked, state_dict, make_meta(checkpoint, args), dtype=dtype)
        verify(checked, state_dict, dtype)
    size = output.stat().st_size
    print(f'{output}: {len(state_dict)} keys, {size / 1e6:,.1f} MB, verified')


@command('convert_checkpoint')
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 if all went well, 2 after a sentence on stderr."""
    args = parse_args(argv)
    checkpoint = read_checkpoint(resolve(args.source))
    if args.info:
        print(describe(checkpoint))
    if args.output is not None:
        convert(checkpoint, args)
    return 0
