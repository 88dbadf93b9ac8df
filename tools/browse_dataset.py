"""Draw what a config's pipeline really feeds the model.

    python tools/browse_dataset.py pose/sapiens_0.3b_coco17-1024x768 --count 32
    python tools/browse_dataset.py my_config.py --split val --out-dir crops

Takes packed samples of the data set, after all augmentation, and draws their picture
beside the targets in them: keypoints are decoded from the target heatmaps, and those
that are not trained on are absent. Test pipelines make no targets; there, annotated
keypoints are drawn where the crop moved them. Writes a PNG a sample and sheet.png.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
import numpy as np

import sapiens_mm  # before the hosts: it mends them
from sapiens_mm.apis.saving import write_image
from sapiens_mm.tables import keypoint_table
from sapiens_mm.visualization import draw_keypoints, side_by_side

SPLITS = ('train', 'val', 'test')
CELL_HEIGHT, GAP = 320, 8  # pixels of the sheet
HEAT_OPACITY = 0.8


@dataclass(frozen=True)
class Drawing:
    """One sample.

    Attributes:
        picture: Shape (H, W, 3), uint8, BGR.
        caption: For the sheet.
        visible: How many keypoints are drawn or, with targets, trained on.
        keypoints: Shape (K, 2), pixels of the input; NaN where absent.
    """

    picture: np.ndarray
    caption: str
    visible: int
    keypoints: np.ndarray


def draw_pose(image_bgr: np.ndarray, sample: Any, transforms: list) -> Drawing:
    """Draw keypoints on the picture, and the target heatmaps on another copy of it.

    Args:
        image_bgr: Shape (H, W, 3), uint8: the model's input.
        sample: A ``PoseDataSample``.
        transforms: Of the pipeline; one of them has the codec.

    Raises:
        ValueError: If the targets are no heatmaps of one codec.
    """
    encoders = [t.encoder for t in transforms if hasattr(t, 'encoder')]
    panels = []
    if encoders:
        if 'heatmaps' not in getattr(sample, 'gt_fields', ()):
            raise ValueError(
                'targets of GenerateTarget are no heatmaps of one codec, the only '
                'ones of pose that can be drawn'
            )
        heatmaps = sample.gt_fields.heatmaps
        weights = np.ravel(sample.gt_instance_labels.keypoint_weights)
        points = decode_targets(heatmaps, encoders[0])
        panels.append(overlay_heatmaps(image_bgr, heatmaps.numpy()))
    else:
        points = move_into_crop(
            sample.gt_instances.keypoints[0, :, :2], sample, image_bgr.shape[:2]
        )
        weights = np.ravel(sample.gt_instances.keypoints_visible)
    shown = weights > 0
    points = np.where(shown[:, None], points, np.nan)
    table = keypoint_table(len(points))
    drawn = draw_keypoints(image_bgr, points[None], shown[None].astype(float), table)
    caption = f'{sample.get("id", "?")}: {shown.sum()} of {len(points)}'
    if sample.get('flip'):
        caption += ', flipped'
    picture = side_by_side([drawn, *panels], gap=4)
    return Drawing(picture, caption, int(shown.sum()), points)


# name of the sample's class -> how to draw it; the tasks to come go here
DRAWERS: dict[str, Callable[[np.ndarray, Any, list], Drawing]] = {
    'PoseDataSample': draw_pose,
}


def decode_targets(heatmaps: Any, encoder: Any) -> np.ndarray:
    """Find the keypoints that heatmaps were made from, (K, 2) pixels of the input.

    Args:
        heatmaps: Tensor (K, h, w).
        encoder: The codec.
    """
    from mmpose.codecs import UDPHeatmap

    from sapiens_mm.pose import decode_udp_heatmaps

    if type(encoder) is not UDPHeatmap:
        return encoder.decode(heatmaps.numpy())[0][0]
    # mmpose encodes by (W - 1) / (w - 1) and decodes by W / (w - 1); to lie on the
    # picture, what was encoded must be turned back by the same factor
    width, height = encoder.input_size
    return decode_udp_heatmaps(
        heatmaps[None],
        input_wh=(width - 1, height - 1),
        blur_kernel_size=encoder.blur_kernel_size,
    )[0][0].numpy()


def overlay_heatmaps(image_bgr: np.ndarray, heatmaps: np.ndarray) -> np.ndarray:
    """Lay the mean of heatmaps (K, h, w) over a picture.

    Brightness follows its logarithm: a face of 238 keypoints must not hide a wrist.
    """
    (height, width), (h, w) = image_bgr.shape[:2], heatmaps.shape[1:]
    # the centres of the corner pixels coincide
    scale = np.diag([(width - 1) / (w - 1), (height - 1) / (h - 1)])
    heat = np.log1p(len(heatmaps) * heatmaps.mean(0).clip(0))
    grown = cv2.warpAffine(
        heat, np.hstack([scale, np.zeros((2, 1))]), (width, height)
    )  # (W, H)
    share = grown / max(float(grown.max()), np.finfo(np.float32).tiny)
    colors = cv2.applyColorMap(np.uint8(np.rint(255 * share)), cv2.COLORMAP_TURBO)
    opacity = HEAT_OPACITY * share[..., None]
    return np.uint8(np.rint(image_bgr * (1 - opacity) + colors * opacity))


def move_into_crop(
    points: np.ndarray, sample: Any, input_hw: tuple[int, int]
) -> np.ndarray:
    """Move keypoints (K, 2) of the photo as the crop of a test pipeline did (UDP)."""
    low = sample.get('input_center') - np.divide(sample.get('input_scale'), 2)
    steps = np.array(input_hw[::-1]) - 1
    return (points - low) * steps / sample.get('input_scale')


def transforms_of(dataset: Any) -> list:
    """Return the transforms of a data set and of those it wraps."""
    found = list(getattr(getattr(dataset, 'pipeline', None), 'transforms', ()))
    inner = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    for each in inner:
        if each is not None:
            found += transforms_of(each)
    return found


class RejectionCounter:
    """Counts the samples that ``SapiensMinKeypoints`` rejects from now on."""

    def __init__(self, transforms: list) -> None:
        from sapiens_mm.pose import SapiensMinKeypoints

        self.total = 0
        for step in transforms:
            if isinstance(step, SapiensMinKeypoints):
                step.transform = self._counted(step.transform)

    def _counted(self, transform: Callable) -> Callable:
        def counted(results: dict) -> dict | None:
            kept = transform(results)
            self.total += kept is None
            return kept

        return counted


def take_samples(dataset: Any, indices: Sequence[int], rejected: RejectionCounter):
    """Yield packed samples.

    Raises:
        ValueError: If the data set finds none that has enough keypoints.
    """
    for index in indices:
        before = rejected.total
        try:
            packed = dataset[int(index)]
        except Exception as error:
            if rejected.total - before < 1000:  # so often mmengine draws another one
                raise
            raise ValueError(
                f'SapiensMinKeypoints rejected {rejected.total - before} samples in a '
                'row; lower its min_keypoints'
            ) from error
        yield packed


def draw_samples(packed_samples: Any, transforms: list) -> Iterator[Drawing]:
    """Draw packed samples, each by its kind.

    Raises:
        ValueError: For a kind that cannot be drawn.
    """
    for packed in packed_samples:
        sample, inputs = packed['data_samples'], packed['inputs']
        kind = type(sample).__name__
        if kind not in DRAWERS:
            raise ValueError(
                f'samples of type {kind} cannot be drawn yet, only those of type '
                f'{", ".join(DRAWERS)}'
            )
        image = np.ascontiguousarray(inputs.numpy().transpose(1, 2, 0))
        yield DRAWERS[kind](image, sample, transforms)


def contact_sheet(cells: Sequence[np.ndarray], captions: Sequence[str]) -> np.ndarray:
    """Put small pictures into rows of a nearly square sheet, (H, W, 3) uint8 BGR."""
    shape = max(cell.shape[1] for cell in cells) / CELL_HEIGHT
    columns = min(len(cells), max(1, round(math.sqrt(len(cells) / shape))))
    rows = []
    for start in range(0, len(cells), columns):
        some = slice(start, start + columns)
        rows.append(side_by_side(cells[some], captions[some], GAP))
    width = max(row.shape[1] for row in rows)
    white = (255, 255, 255)
    padded = [
        cv2.copyMakeBorder(
            row, 0, GAP, 0, width - row.shape[1], cv2.BORDER_CONSTANT, value=white
        )
        for row in rows
    ]
    return np.concatenate(padded)


def shrink(picture: np.ndarray) -> np.ndarray:
    """Scale a picture to the height of the sheet's cells."""
    width = max(1, round(picture.shape[1] * CELL_HEIGHT / len(picture)))
    method = cv2.INTER_AREA if len(picture) > CELL_HEIGHT else cv2.INTER_LINEAR
    return cv2.resize(picture, (width, CELL_HEIGHT), interpolation=method)  # (W, H)


def choose(length: int, count: int, split: str) -> np.ndarray:
    """Return indices: of training at random and repeating if need be, else the first.

    Args:
        length: Of the data set.
        count: How many are wanted.
        split: One of ``SPLITS``.
    """
    if split != 'train':
        return np.arange(min(count, length))
    rounds = math.ceil(count / length)
    order = [np.random.permutation(length) for _ in range(rounds)]
    return np.concatenate(order)[:count]


def browse(cfg: Any, split: str, count: int, folder: Path, seed: int) -> str:
    """Draw samples of one split.

    Args:
        cfg: The config.
        split: One of ``SPLITS``.
        count: How many samples.
        folder: For the pictures.
        seed: Of the choice of samples and of the augmentations.

    Returns:
        What there is to say.

    Raises:
        ValueError: If the split is not there, or cannot be drawn.
    """
    from mmengine.registry import DATASETS, init_default_scope

    from sapiens_mm.engine.epoch_seed_hook import seed_everything

    loader = cfg.get(f'{split}_dataloader')
    if loader is None:
        raise ValueError(f'{cfg.filename} has no {split}_dataloader')
    init_default_scope(cfg.get('default_scope') or 'mmengine')
    seed_everything(seed)
    try:
        dataset = DATASETS.build(loader.dataset)
    except AssertionError as error:  # how mmpose says that a file is not there
        raise ValueError(str(error)) from error
    if not len(dataset):
        raise ValueError(f'the {split} data set is empty')
    transforms = transforms_of(dataset)
    rejected = RejectionCounter(transforms)
    samples = take_samples(dataset, choose(len(dataset), count, split), rejected)
    cells, captions, visible = [], [], []
    for number, drawing in enumerate(draw_samples(samples, transforms)):
        write_image(folder / f'{number:04d}.png', drawing.picture)
        cells.append(shrink(drawing.picture))
        captions.append(drawing.caption)
        visible.append(drawing.visible)
    write_image(folder / 'sheet.png', contact_sheet(cells, captions))
    return (
        f'{len(cells)} samples of {len(dataset)} in {split}\n'
        f'{np.mean(visible):.1f} visible keypoints in the mean, '
        f'{min(visible)} to {max(visible)}, of {len(drawing.keypoints)}\n'
        f'{rejected.total} samples rejected by SapiensMinKeypoints\n'
        f'{folder / "sheet.png"}'
    )


def positive(text: str) -> int:
    """Read a number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f'must be at least 1, got {text}')
    return number


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    from mmengine.config import DictAction

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('config', help='a config by name or path')
    add('--split', choices=SPLITS, default='train')
    add('--count', type=positive, default=16, help='samples (default: %(default)s)')
    out_help = 'for the pictures; default: work_dirs/CONFIG/browse_SPLIT'
    add('--out-dir', type=Path, help=out_help)
    add('--seed', type=int, default=0, help='default: 0')
    add('--cfg-options', nargs='+', action=DictAction, help='key=value, as in hosts')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Draw; return 2 on a wrong call."""
    args = parse_args(argv)
    from mmengine.config import Config

    from sapiens_mm import hosts

    try:
        hosts.require('mmpose')
        cfg = Config.fromfile(sapiens_mm.config_path(args.config))
        if args.cfg_options is not None:
            cfg.merge_from_dict(args.cfg_options)
        name = Path(args.config).name.removesuffix('.py')
        folder = args.out_dir or Path('work_dirs', name, f'browse_{args.split}')
        print(browse(cfg, args.split, args.count, folder, args.seed))
    except (ValueError, OSError, ModuleNotFoundError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main())
