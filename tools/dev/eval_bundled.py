r"""Score the small models of the package on synthetic people and on COCO images.

    python tools/dev/eval_bundled.py data/synth_test
    python tools/dev/eval_bundled.py data/synth_test --task pose det \
        --coco annotations/person_keypoints_val2017.json --coco-images val2017/
    python tools/dev/eval_bundled.py data/synth_test --task seg --checkpoint epoch_4.pth

The folder is one of sapiens synth; its split named by --split is taken.
Boxes of people are those of the ground truth. Figures are printed, and written to
--out as JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import sapiens_mm  # before the hosts: it patches them
from sapiens_mm import tasks
from sapiens_mm.commands import command

TASKS = (*tasks.TASKS, 'det')
KEYPOINTS = 'sapiens_mm.SapiensKeypointMetric'


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('synth', type=Path, help='folder of a synthetic data set')
    add('--split', default='test', help='default: test')
    add('--task', nargs='+', choices=TASKS, default=TASKS)
    add('--config', help='in place of the bundled one; with one --task')
    add('--checkpoint', help='in place of the bundled one; with one --task')
    add('--coco', type=Path, help='person_keypoints file, for pose and det')
    add('--coco-images', type=Path, help='its images; default: the folder of the file')
    add('--out', type=Path, help='JSON file of all figures')
    args = parser.parse_args(argv)
    if (args.checkpoint or args.config) and len(args.task) != 1:
        parser.error('--checkpoint and --config go with one --task')
    return args


def synthetic_files(task: str, folder: Path, split: str) -> dict[str, Any]:
    """Return what the data set of a task's config reads, for a split of a folder."""
    images = f'images/{split}/'
    if task in ('pose', 'det'):
        points = {'pose': 308, 'det': 17}[task]
        files = dict(
            ann_file=f'annotations/{split}_{points}.json', data_prefix=dict(img=images)
        )
    elif task == 'seg':
        prefix = dict(img_path=images, seg_map_path=f'labels/{split}/')
        files = dict(data_prefix=prefix)
    else:
        prefix = dict(img_path=images, map_path=f'{task}/{split}/')
        files = dict(data_prefix=prefix)
    return dict(data_root=f'{folder}/', **files)


def on_synthetic(cfg: Any, task: str, folder: Path, split: str) -> None:
    """Point a config's test at a split of a synthetic data set."""
    cfg.test_dataloader.dataset.update(synthetic_files(task, folder, split))
    annotations = folder / 'annotations'
    if task == 'pose':
        cfg.test_evaluator = [
            dict(type=KEYPOINTS, ann_file=str(annotations / f'{split}_308.json')),
            dict(
                type=KEYPOINTS,
                ann_file=str(annotations / f'{split}_17.json'),
                common_keypoints='certain',
            ),
        ]
    elif task == 'det':
        cfg.test_evaluator.ann_file = str(annotations / f'{split}_17.json')


def on_coco(cfg: Any, task: str, ann_file: Path, images: Path) -> None:
    """Point a config's test at images with COCO's people."""
    dataset = cfg.test_dataloader.dataset
    dataset.update(
        data_root='', ann_file=str(ann_file), data_prefix=dict(img=f'{images}/')
    )
    if task == 'pose':
        dataset.file_keypoints = 17
        cfg.test_evaluator = dict(
            type=KEYPOINTS, ann_file=str(ann_file), common_keypoints='certain'
        )
    else:
        cfg.test_evaluator.ann_file = str(ann_file)


def places(args: argparse.Namespace) -> Iterator[tuple[str, Path, Path]]:
    """Yield where people are looked for: name, file of 17 keypoints and images."""
    folder = args.synth.absolute()
    ann_file = folder / f'annotations/{args.split}_17.json'
    yield 'synthetic', ann_file, folder / 'images' / args.split
    if args.coco:
        paths = args.coco_images or args.coco.parent
        yield 'COCO', args.coco.absolute(), paths.absolute()


def score(cfg: Any, checkpoint: str | Path) -> dict[str, float | str]:
    """Run a config's test with given weights; return its figures."""
    from mmengine.runner import Runner

    from sapiens_mm.checkpoints import load_weights, resolve

    cfg.work_dir = 'work_dirs/eval_bundled'
    cfg.load_from, cfg.resume = None, False
    cfg.test_dataloader.update(num_workers=1, persistent_workers=False)
    runner = Runner.from_cfg(cfg)
    load_weights(runner.model, resolve(checkpoint))
    started = time.perf_counter()
    figures = {
        key: value if isinstance(value, str) else float(value)
        for key, value in runner.test().items()
    }
    figures['images'] = len(runner.test_dataloader.dataset)
    figures['seconds'] = round(time.perf_counter() - started, 1)
    return figures


def recall_of_people(
    config: str, checkpoint: str | Path, ann_file: Path, images: Path
) -> dict[str, float]:
    """Count the people of a COCO file that the detector finds as the demos use it.

    A box counts for a person at an IoU of 0.5 or more, and for one only. Crowds do
    not count, nor people without a visible keypoint.
    """
    import numpy as np
    from mmdet.evaluation.functional import bbox_overlaps

    from sapiens_mm.apis.person_boxes import PersonDetector
    from sapiens_mm.compat.coco_index import COCO

    detector = PersonDetector(config, checkpoint)
    coco = COCO(str(ann_file))
    people = boxes = hits = 0
    for image_id in coco.getImgIds():
        known = coco.loadAnns(coco.getAnnIds(imgIds=[image_id], iscrowd=False))
        truth = [a['bbox'] for a in known if a.get('num_keypoints', 0) > 0]
        truth = np.array(truth, np.float32).reshape(-1, 4)
        truth[:, 2:] += truth[:, :2]
        found, _ = detector(images / coco.loadImgs([image_id])[0]['file_name'])
        people, boxes = people + len(truth), boxes + len(found)
        overlaps = bbox_overlaps(found, truth)
        while overlaps.size and overlaps.max() >= 0.5:
            best = np.unravel_index(overlaps.argmax(), overlaps.shape)
            overlaps[best[0]], overlaps[:, best[1]] = 0, 0
            hits += 1
    return dict(
        recall_50=hits / max(people, 1),
        precision_50=hits / max(boxes, 1),
        people=people,
    )


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Score; return 2 on a wrong call."""
    args = parse_args(argv)
    from mmengine.config import Config

    from sapiens_mm.checkpoints import bundled_for

    found: dict[str, dict[str, float | str]] = {}
    try:
        for task in args.task:
            bundled = None if args.config and args.checkpoint else bundled_for(task)
            name = args.config or bundled.config
            checkpoint = args.checkpoint or bundled.path
            for place, ann_file, images in places(args):
                if place == 'COCO' and task not in ('pose', 'det'):
                    continue
                cfg = Config.fromfile(sapiens_mm.config_path(name))
                if place == 'COCO':
                    on_coco(cfg, task, ann_file, images)
                else:
                    on_synthetic(cfg, task, args.synth.absolute(), args.split)
                figures = score(cfg, checkpoint)
                if task == 'det':
                    figures |= recall_of_people(name, checkpoint, ann_file, images)
                found[f'{task}, {place}'] = figures
    except ValueError as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    for title, figures in found.items():
        print(f'\n{title}')
        for key, value in figures.items():
            shown = value if isinstance(value, str) else f'{value:.4g}'
            print(f'  {key:40s} {shown:>10s}')
    if args.out:
        args.out.write_text(json.dumps(found, indent=1) + '\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
