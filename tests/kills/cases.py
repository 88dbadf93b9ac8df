"""What is killed: a command, what it leaves, and what that must be."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
State = Mapping[str, str]


@dataclass
class Case:
    """A command, and what it leaves.

    Attributes:
        name: Of the case.
        argv: Command line for a folder.
        state: What counts of a folder: name to a hash.
        max_bytes: Of a file, on the disk that is full.
        twice: Exit codes that two runs in one folder may have, sorted.
        again: Added when a run is to go on.
    """

    name: str
    argv: Callable[[Path], list[str]]
    state: Callable[[Path], State]
    max_bytes: int
    twice: tuple[tuple[int, int], ...]
    again: list[str] = field(default_factory=list)


def files_of(folder: Path) -> State:
    """Return a hash of every file."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


def weights_of(folder: Path) -> State:
    """Return hashes of the tensors of checkpoints, and what else is no log."""
    import torch

    found = {}
    for path in sorted(folder.rglob('*')):
        name = path.relative_to(folder).as_posix()
        if path.suffix == '.pth':
            content = torch.load(path, weights_only=True)
            digest = hashlib.sha256()
            for key, value in sorted(content['state_dict'].items()):
                digest.update(key.encode() + value.numpy().tobytes())
            digest.update(str(content['optimizer']['param_groups']).encode())
            found[name] = digest.hexdigest()
        elif path.name == 'last_checkpoint':
            found[name] = Path(path.read_text()).name
        elif 'part' in path.suffixes or path.name.startswith('.'):
            found[name] = 'left over'
    return found


def make_cases(folder: Path) -> list[Case]:
    """Write inputs and small models, and return the cases."""
    import cv2
    import mmengine.runner  # noqa: F401  all that takes seconds
    import mmpose.models  # noqa: F401
    import mmseg.models  # noqa: F401
    import torch
    import video_files
    from tiny_runs import pose_config, write_people

    import sapiens_mm.apis  # noqa: F401
    from sapiens_mm.testing import build_model, fake_person_image, tiny_config

    models = {}
    for task, name in (
        ('pose', 'pose/sapiens_0.3b_coco17-1024x768'),
        ('seg', 'seg/sapiens_0.3b_goliath28-1024x768'),
    ):
        cfg = tiny_config(name)
        cfg.dump(folder / f'{task}.py')
        torch.save(build_model(cfg).state_dict(), folder / f'{task}.pth')
        models[task] = ['--config', folder / f'{task}.py']
        models[task] += ['--checkpoint', folder / f'{task}.pth', '--device', 'cpu']
    photos = folder / 'photos'
    for n in range(60):
        path = photos / f'{n % 3}' / f'{n}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), fake_person_image(n, (200, 150)))
    clip = video_files.make_video(folder / 'clip.mp4', 60)
    cfg = pose_config(
        write_people(folder / 'people', 4),
        epochs=4,
        batch_size=2,
        input_hw=(64, 48),
        width=32,
        depth=1,
    )
    cfg.default_hooks.checkpoint.update(interval=1, max_keep_ckpts=1)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.dump(folder / 'train.py')

    def sapiens(*argv: object) -> list[str]:
        return [sys.executable, '-m', 'sapiens_mm', *map(str, argv)]

    palette = [*models['seg'], '--palette']
    data = [*models['pose'], '--save-data']
    synth = ['--num', 12, '--size', '96x72', '--workers', 2, '--format', 'both']
    return [
        Case(
            'image_demo',
            lambda out: sapiens('image', photos, *palette, '--out-dir', out),
            files_of,
            max_bytes=20_000,
            twice=((0, 0),),
        ),
        Case(
            'video_demo',
            lambda out: sapiens('video', clip, *data, '--out-dir', out),
            files_of,
            max_bytes=20_000,
            twice=((0, 0), (0, 2)),
        ),
        Case(
            'synthesize_humans',
            lambda out: sapiens('synth', out, *synth, '--shard-size', 5),
            files_of,
            max_bytes=6000,
            twice=((0, 2),),
        ),
        Case(
            'train',
            lambda out: sapiens('train', folder / 'train.py', '--work-dir', out),
            weights_of,
            max_bytes=100_000,
            twice=((0, 0), (0, 2)),  # the second waits for some seconds
            again=['--resume'],
        ),
    ]
