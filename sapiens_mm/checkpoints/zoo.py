"""Released weights: what there is, under which licence, and where.

None of it is shipped with this package. File names and places are those of the
Hugging Face hub as known in 2025; sizes are computed from the shapes and good to
one per cent. No digests are published, so ``sha256`` is None throughout.
"""

from __future__ import annotations

import dataclasses
import functools

from sapiens_mm.layers.archs import find_arch

CC_BY_NC = 'CC-BY-NC-4.0 (no commercial use)'
APACHE = 'Apache-2.0'

# (task, data set): stem of the file by size
_STEMS: dict[tuple[str, str], dict[str, str]] = {
    ('pretrain', 'humans'): {
        '0.3b': 'epoch_1600',
        '0.6b': 'epoch_1600',
        '1b': 'epoch_173',
        '2b': 'epoch_660',
    },
    ('pose', 'coco17'): {
        '0.3b': 'coco_best_coco_AP_796',
        '0.6b': 'coco_best_coco_AP_812',
        '1b': 'coco_best_coco_AP_821',
        '2b': 'coco_best_coco_AP_822',
    },
    ('pose', 'wholebody133'): {
        '0.3b': 'coco_wholebody_best_coco_wholebody_AP_620',
        '0.6b': 'coco_wholebody_best_coco_wholebody_AP_695',
        '1b': 'coco_wholebody_best_coco_wholebody_AP_727',
        '2b': 'coco_wholebody_best_coco_wholebody_AP_745',
    },
    ('pose', 'goliath308'): {
        '0.3b': 'goliath_best_goliath_AP_573',
        '0.6b': 'goliath_best_goliath_AP_609',
        '1b': 'goliath_best_goliath_AP_639',
    },
    ('seg', 'goliath28'): {
        '0.3b': 'goliath_best_goliath_mIoU_7673_epoch_194',
        '0.6b': 'goliath_best_goliath_mIoU_7777_epoch_178',
        '1b': 'goliath_best_goliath_mIoU_7994_epoch_151',
    },
    ('depth', 'render_people'): {
        '0.3b': 'render_people_epoch_100',
        '0.6b': 'render_people_epoch_70',
        '1b': 'render_people_epoch_88',
        '2b': 'render_people_epoch_25',
    },
    ('normal', 'render_people'): {
        '0.3b': 'normal_render_people_epoch_66',
        '0.6b': 'normal_render_people_epoch_200',
        '1b': 'normal_render_people_epoch_115',
        '2b': 'normal_render_people_epoch_70',
    },
}
# parameters of the 1b head; the others differ by under one per cent of the model
_HEAD_PARAMS = {'pose': 29.7e6, 'seg': 39.5e6, 'depth': 16.8e6, 'normal': 39.5e6}


@dataclasses.dataclass(frozen=True)
class ReleasedFile:
    """One released file.

    Attributes:
        name: Short name that ``resolve`` takes: the file name without suffix.
        filename: Name of the file.
        task: ``'pretrain'``, ``'pose'``, ``'seg'``, ``'depth'``, ``'normal'`` or
            ``'det'``.
        size: ``'0.3b'`` to ``'2b'``, ``'m'`` for the detector.
        dataset: As in the names of our configs.
        format: ``'pth'``, ``'torchscript'`` (fp32) or ``'bfloat16'`` (an exported
            program); the weights of all three are read.
        licence: Licence of the weights.
        sources: Where it is, first choice first: ``hf://`` or ``https://``.
        metric: What the file name says, such as ``'AP 79.6'``; ``''`` if nothing.
        num_bytes: Size of the file, approximately.
        config: Our config that it fits, ``''`` if none is shipped.
        sha256: Digest, None where it is not known.
        note: What else to know.
        short_name: A second name, short enough to type: ``'sapiens_1b'`` is the
            pretrained encoder of that size; ``''`` for other files.
    """

    name: str
    filename: str
    task: str
    size: str
    dataset: str
    format: str
    licence: str
    sources: tuple[str, ...]
    metric: str
    num_bytes: int
    config: str
    sha256: str | None = None
    note: str = ''
    short_name: str = ''


def _metric(stem: str) -> str:
    words = stem.split('_')
    for kind, divisor in (('AP', 10), ('mIoU', 100)):
        if kind in words:
            return f'{kind} {int(words[words.index(kind) + 1]) / divisor:g}'
    return ''


def _config(task: str, size: str, dataset: str) -> str:
    if task == 'pretrain':
        return f'mae/sapiens_{size}_{dataset}-1024x1024'
    return f'{task}/sapiens_{size}_{dataset}-1024x768'


def _num_bytes(task: str, size: str, form: str) -> int:
    arch = find_arch(size)
    # 64x48 patches; of pretraining 64x64, with a row for the class token, and the token
    params = arch.num_parameters(64 * 48)
    if task == 'pretrain':
        params = arch.num_parameters(64 * 64 + 1) + arch.embed_dims
    total = params + _HEAD_PARAMS.get(task, 0)
    return int(total * (2 if form == 'bfloat16' else 4))


def _released(task: str, size: str, dataset: str, stem: str, form: str) -> ReleasedFile:
    stem = f'sapiens_{size}_{stem}'
    if form == 'pth':
        filename = f'{stem}_clean.pth' if task == 'pretrain' else f'{stem}.pth'
        folder = f'sapiens_host/{task}/checkpoints/sapiens_{size}'
        own_repo = f'facebook/sapiens-{task}-{size}'
    else:
        filename = f'{stem}_{form}.pt2'
        folder = f'sapiens_lite_host/{form}/{task}/checkpoints/sapiens_{size}'
        own_repo = f'facebook/sapiens-{task}-{size}-{form}'
    if dataset in ('coco17', 'wholebody133'):
        sources = [f'hf://noahcao/sapiens-pose-coco/{folder}/{filename}']
    else:
        sources = [f'hf://{own_repo}/{filename}']
        sources += [f'hf://facebook/sapiens/{folder}/{filename}']
    return ReleasedFile(
        name=filename.rpartition('.')[0],
        filename=filename,
        task=task,
        size=size,
        dataset=dataset,
        format=form,
        licence=CC_BY_NC,
        sources=tuple(sources),
        metric=_metric(stem),
        num_bytes=_num_bytes(task, size, form),
        config=_config(task, size, dataset),
        note='encoder only' if task == 'pretrain' else '',
        short_name=f'sapiens_{size}' if (task, form) == ('pretrain', 'pth') else '',
    )


def _foreground() -> ReleasedFile:
    name = 'sapiens_1b_seg_foreground_epoch_8_torchscript'
    return ReleasedFile(
        name=name,
        filename=f'{name}.pt2',
        task='seg',
        size='1b',
        dataset='foreground',
        format='torchscript',
        licence=CC_BY_NC,
        sources=(f'hf://facebook/sapiens-seg-foreground-1b-torchscript/{name}.pt2',),
        metric='',
        num_bytes=_num_bytes('seg', '1b', 'torchscript'),
        config='',
        note='person against background; no config of ours',
    )


def _detector() -> ReleasedFile:
    name = 'rtmdet_m_8xb32-100e_coco-obj365-person-235e8209'
    return ReleasedFile(
        name=name,
        filename=f'{name}.pth',
        task='det',
        size='m',
        dataset='person',
        format='pth',
        licence=APACHE,
        sources=(
            f'hf://facebook/sapiens-pose-bbox-detector/{name}.pth',
            f'https://download.openmmlab.com/mmpose/v1/projects/rtmpose/{name}.pth',
        ),
        metric='',
        num_bytes=99_100_000,
        config='det/rtmdet_m_person-640x640',
        note='person detector of mmdet, made by OpenMMLab',
    )


@functools.cache
def released_files() -> tuple[ReleasedFile, ...]:
    """Return every released file: 26 originals, their exports, and the detector."""
    files = []
    for form in ('pth', 'torchscript', 'bfloat16'):
        for (task, dataset), stems in _STEMS.items():
            if form == 'bfloat16' and dataset in ('coco17', 'wholebody133'):
                continue  # exported for 308 keypoints only
            for size, stem in stems.items():
                files.append(_released(task, size, dataset, stem, form))
    old = {'0.3b': 575, '0.6b': 600, '1b': 640}
    for size, ap in old.items():
        stem = f'goliath_best_goliath_AP_{ap}'
        file = _released('pose', size, 'goliath308', stem, 'torchscript')
        note = 'replaced on 2024-10-07; trained with other mirror pairs of the face'
        files.append(dataclasses.replace(file, note=note))
    files += [_foreground(), _detector()]
    return tuple(files)


def find_released(name: str) -> ReleasedFile | None:
    """Look up a released file.

    Args:
        name: Its name with or without suffix (and ``_clean``), its short name, or
            the name of one of our configs with ``:official`` behind it.
    """
    short = name.strip()  # without suffix: sapiens_1b.pth is a file of the user's
    for file in released_files():
        if file.short_name and file.short_name == short:
            return file
    wanted = name.strip().removesuffix('.pth').removesuffix('.pt2')
    for mark in (':official', '@official', ' official', '+official'):
        if wanted.endswith(mark):
            config = wanted.removesuffix(mark).removesuffix('.py')
            fits = (f for f in released_files() if config and f.config == config)
            return next(fits, None)
    names = (wanted, f'{wanted}_clean')
    return next((f for f in released_files() if f.name in names), None)
