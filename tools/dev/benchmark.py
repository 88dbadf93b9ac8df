"""Measure parts of sapiens_mm on this machine and print a table.

    python tools/dev/benchmark.py decode
    python tools/dev/benchmark.py decode --num-keypoints 308 --batch 8 --device cuda
    python tools/dev/benchmark.py backbone --size 0.3b 1b --batch 1 8 --compile off on
    python tools/dev/benchmark.py seg --size 0.3b --image 3000 4000
    python tools/dev/benchmark.py synth --hw 1024 768 512 384 --images 48

Times are medians after a warm-up, with the device synchronised around every call.
What is compared is measured in turns in one run, so a ratio holds even where the
machine is shared; single times then do not.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

if sys.argv[1:2] == ['synth']:
    # before numpy: the generator's small products are slower on many threads, and
    # its own tool sets one, too
    for _name in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'):
        os.environ[_name] = '1'

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import Tensor  # noqa: E402

import sapiens_mm  # noqa: E402  before the hosts: it patches them
from sapiens_mm.apis.build import DTYPES, pick_device  # noqa: E402
from sapiens_mm.layers.archs import ARCHS  # noqa: E402

Row = dict[str, Any]
PACKAGES = ('torch', 'numpy', 'opencv-python', 'opencv-python-headless', 'mmpose')
INPUT_WH, HEATMAP_WH = (768, 1024), (192, 256)
AGREE_PX = 0.01
SEG_CONFIG = 'seg/sapiens_0.3b_goliath28-1024x768'


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> None:  # type: ignore[override]
        print(f'{self.prog}: {message} (--help lists the options)', file=sys.stderr)
        raise SystemExit(2)


def positive(text: str) -> int:
    """Read a number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f'must be at least 1, got {text}')
    return number


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    shared = argparse.ArgumentParser(add_help=False)
    add = shared.add_argument
    add('--device', help='default: cuda where there is a GPU, else cpu')
    add('--repeats', type=positive, default=10, help='measured calls; default: 10')
    add('--threads', type=positive, help="of PyTorch and OpenCV; default: PyTorch's")
    add('--json', type=Path, metavar='FILE', help='write the figures to this file too')
    parser = _Parser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest='command', required=True)

    decode = commands.add_parser(
        'decode',
        parents=[shared],
        help='heatmaps on the device to keypoints in numpy, against mmpose',
    )
    add = decode.add_argument
    add('--num-keypoints', type=positive, nargs='+', default=[17, 133, 308])
    add('--batch', type=positive, default=8, help='persons at once; default: 8')
    add(
        '--maps',
        nargs='+',
        choices=list(MAPS),
        default=['peaks'],
        help='peaks: Gaussians with a little noise, as a trained model gives. noise: '
        'nothing but noise, the worst case. Default: peaks',
    )

    backbone = commands.add_parser(
        'backbone', parents=[shared], help='images a second of the transformer'
    )
    add = backbone.add_argument
    sizes = [name.removeprefix('sapiens_') for name in ARCHS]
    add('--size', nargs='+', choices=sizes, default=['0.3b'])
    add('--hw', type=positive, nargs=2, default=[1024, 768], metavar=('H', 'W'))
    add('--dtype', nargs='+', choices=list(DTYPES), help='default: what the API takes')
    add('--batch', type=positive, nargs='+', default=[1], help='images at once')
    add('--compile', nargs='+', choices=('off', 'on'), default=['off'])

    seg = commands.add_parser(
        'seg', parents=[shared], help='parts of an image, against the network alone'
    )
    add = seg.add_argument
    add('--size', choices=sizes, default='0.3b')
    add('--dtype', choices=list(DTYPES), help='default: what the API takes')
    add('--hw', type=positive, nargs=2, default=[1024, 768], metavar=('H', 'W'))
    image_help = 'size of the image; default: 3000 4000'
    image_hw = dict(type=positive, nargs=2, default=[3000, 4000], metavar=('H', 'W'))
    add('--image', **image_hw, help=image_help)
    add('--resize', nargs='+', choices=('twice', 'once'), default=['twice', 'once'])
    synth = commands.add_parser(
        'synth',
        parents=[shared],
        help='processor time of rendering synthetic people, by stage',
    )
    add = synth.add_argument
    hw_help = 'one size or more (default: 1024 768 512 384)'
    sizes = [1024, 768, 512, 384]
    add('--hw', type=positive, nargs='+', default=sizes, help=hw_help)
    add('--images', type=positive, default=48, help='of each size; default: 48')
    args = parser.parse_args(argv)
    if args.command == 'synth' and len(args.hw) % 2:
        parser.error('--hw: name height and width of each size')
    if args.json is not None and not args.json.absolute().parent.is_dir():
        parser.error(f'--json: the folder of {args.json} does not exist')
    return args


def describe_machine(device: torch.device) -> Row:
    """Return hardware, versions and load, one string each."""
    found = {'processor': f'{_cpu_name()}, {os.cpu_count()} cores'}
    if device.type == 'cuda':
        found['device'] = torch.cuda.get_device_name(device)
    found['threads'] = str(torch.get_num_threads())
    if hasattr(os, 'getloadavg'):
        found['load'] = f'{os.getloadavg()[0]:.1f} over the last minute'
    found['python'] = platform.python_version()
    found['sapiens_mm'] = sapiens_mm.__version__
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _cpu_name() -> str:
    info = Path('/proc/cpuinfo')
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(':', 1)[1].strip() for line in lines if 'model name' in line]
    return names[0] if names else platform.processor() or platform.machine()


def measure(
    calls: Mapping[str, Callable[[], object]], repeats: int, device: torch.device
) -> dict[str, float]:
    """Return the median time of each call in seconds; the calls take turns.

    Args:
        calls: Two warm-up rounds, then ``repeats`` measured ones.
        repeats: Number of measured rounds.
        device: Synchronised before the clock is read.
    """

    def clock() -> float:
        if device.type == 'cuda':
            torch.cuda.synchronize(device)
        return time.perf_counter()

    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(-2, repeats):
        for name, call in calls.items():
            start = clock()
            call()
            if turn >= 0:
                times[name].append(clock() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def _peaks(codec: Any, batch: int, count: int) -> Tensor:
    """Return Gaussians (batch, count, h, w) at random places, with a little noise."""
    rng = np.random.default_rng(0)
    points = rng.uniform(0, np.array(INPUT_WH) - 1, (batch, count, 2))
    maps = [codec.encode(one[None].astype(np.float32))['heatmaps'] for one in points]
    clean = torch.from_numpy(np.stack(maps))
    return clean + 0.002 * torch.randn(clean.shape)


def _noise(codec: Any, batch: int, count: int) -> Tensor:
    return torch.randn(batch, count, *HEATMAP_WH[::-1])


MAPS = {'peaks': _peaks, 'noise': _noise}


def run_decode(args: argparse.Namespace, device: torch.device) -> Iterator[Row]:
    """Compare decoding with mmpose's, from heatmaps on the device to numpy arrays."""
    sapiens_mm.hosts.require('mmpose')
    from mmpose.codecs import UDPHeatmap

    from sapiens_mm.pose import decode_udp_heatmaps

    codec = UDPHeatmap(INPUT_WH, HEATMAP_WH, sigma=6.0)
    for kind in args.maps:
        for count in args.num_keypoints:
            maps = MAPS[kind](codec, args.batch, count).to(device)

            def ours(maps: Tensor = maps) -> np.ndarray:
                keypoints, scores = decode_udp_heatmaps(maps, input_wh=INPUT_WH)
                return torch.cat([keypoints, scores[..., None]], 2).cpu().numpy()

            def theirs(maps: Tensor = maps) -> np.ndarray:
                # one person after the other, as mmpose's heads do
                found = [codec.decode(one) for one in maps.cpu().numpy()]
                return np.concatenate([keypoints for keypoints, _ in found])

            calls = {'ours': ours, 'mmpose': theirs}
            seconds = measure(calls, args.repeats, device)
            off_px = np.abs(ours()[..., :2] - theirs()).max(-1)
            ms = {name: value * 1e3 / args.batch for name, value in seconds.items()}
            yield {
                'maps': kind,
                'keypoints': count,
                'batch': args.batch,
                'ours ms/person': ms['ours'],
                'mmpose ms/person': ms['mmpose'],
                'ratio': ms['mmpose'] / ms['ours'],
                f'within {AGREE_PX} px': float((off_px <= AGREE_PX).mean()),
            }


def run_backbone(args: argparse.Namespace, device: torch.device) -> Iterator[Row]:
    """Measure the transformer alone, with random weights."""
    from sapiens_mm.backbones import SapiensViT

    dtypes = args.dtype or ['bfloat16' if device.type == 'cuda' else 'float32']
    first = None
    for size in args.size:
        for dtype in dtypes:
            for mode in args.compile:
                model = SapiensViT(size, tuple(args.hw), patch_cfg=dict(padding=2))
                model = model.to(device, DTYPES[dtype]).eval()
                if mode == 'on':
                    model.compile()
                for batch in args.batch:
                    seconds, memory = _time_model(model, batch, args, device)
                    first = first or seconds / batch
                    row = {'size': size, 'dtype': dtype, 'compile': mode}
                    row |= {'batch': batch, 'images/s': batch / seconds}
                    row |= {'ms/image': seconds * 1e3 / batch}
                    row['ratio to first'] = first / (seconds / batch)
                    if device.type == 'cuda':
                        row['peak GiB'] = memory / 2**30
                    yield row
                del model


def _time_model(
    model: torch.nn.Module, batch: int, args: argparse.Namespace, device: torch.device
) -> tuple[float, int]:
    """Return seconds a batch and, on a GPU, the highest memory in bytes."""
    dtype = next(model.parameters()).dtype
    images = torch.randn(batch, 3, *args.hw, device=device, dtype=dtype)
    if device.type == 'cuda':
        torch.cuda.reset_peak_memory_stats(device)
    with torch.inference_mode():
        found = measure({'it': lambda: model(images)}, args.repeats, device)
    on_gpu = device.type == 'cuda'
    return found['it'], torch.cuda.max_memory_allocated(device) if on_gpu else 0


def run_seg(args: argparse.Namespace, device: torch.device) -> Iterator[Row]:
    """Compare an image, from its array to labels, with the network on a ready input."""
    from mmengine.config import Config

    from sapiens_mm.apis import SegInferencer

    config = Config.fromfile(sapiens_mm.config_path(SEG_CONFIG))
    model, arch = config.model, f'sapiens_{args.size}'
    model.backbone.update(arch=arch, img_size=tuple(args.hw))
    model.decode_head.in_channels = ARCHS[arch].embed_dims
    model.data_preprocessor.size = tuple(args.hw)
    for step in config.test_pipeline:
        if step.type == 'Resize':
            step.scale = tuple(args.hw[::-1])  # (W, H)
    shape = (*args.image, 3)
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    seg = SegInferencer(config, device=device, dtype=args.dtype)
    inputs = torch.randn(1, 3, *args.hw, device=device)

    def network() -> None:
        with torch.inference_mode():
            seg.network(inputs, [{}])

    def whole(resize: str) -> None:
        seg.resize = resize
        seg(image)

    calls = {resize: partial(whole, resize) for resize in args.resize}
    seconds = measure({'network': network, **calls}, args.repeats, device)
    for resize in args.resize:
        row = {'size': args.size, 'dtype': str(seg.dtype).removeprefix('torch.')}
        row |= {'image': f'{args.image[1]}x{args.image[0]}', 'resize': resize}
        row |= {
            'network ms': seconds['network'] * 1e3,
            'image ms': seconds[resize] * 1e3,
        }
        yield row | {'ratio': seconds[resize] / seconds['network']}


def run_synth(args: argparse.Namespace, device: torch.device) -> Iterator[Row]:
    """Measure the generator of synthetic people, on one thread of the processor."""
    sapiens_mm.hosts.require('numba')
    from _benchmark.synth import measure_synth

    for size_hw in zip(args.hw[::2], args.hw[1::2], strict=True):
        yield measure_synth(size_hw, args.images)


def print_row(row: Row, with_titles: bool) -> None:
    """Print one line of the table, and the titles before the first."""
    if with_titles:
        print('\n' + '  '.join(f'{title:>9}' for title in row))
    cells = [f'{v:.4g}' if isinstance(v, float) else str(v) for v in row.values()]
    widths = [max(9, len(title)) for title in row]
    line = '  '.join(f'{c:>{w}}' for c, w in zip(cells, widths, strict=True))
    print(line, flush=True)


RUNS = {
    'decode': run_decode,
    'backbone': run_backbone,
    'seg': run_seg,
    'synth': run_synth,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 if all went well, 2 after a sentence on stderr."""
    args = parse_args(argv)
    rows: list[Row] = []
    try:
        device = pick_device(args.device)
        if args.threads:
            import cv2

            torch.set_num_threads(args.threads)
            cv2.setNumThreads(args.threads)
        machine = describe_machine(device)
        for name, value in machine.items():
            print(f'{name:>22}: {value}')
        torch.manual_seed(0)
        for row in RUNS[args.command](args, device):
            print_row(row, with_titles=not rows)
            rows.append(row)
    except (ValueError, ModuleNotFoundError, torch.OutOfMemoryError) as error:
        print(f'benchmark: {error}', file=sys.stderr)
        return 2
    finally:
        if args.json is not None and rows:
            found = {'command': args.command, 'machine': machine, 'rows': rows}
            args.json.write_text(json.dumps(found, indent=2) + '\n')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
