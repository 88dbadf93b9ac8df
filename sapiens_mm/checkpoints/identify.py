"""Tell task, size and number of outputs of a checkpoint from its tensors alone."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from torch import nn

from sapiens_mm.checkpoints.keys import BACKBONE, TASK_HEADS
from sapiens_mm.checkpoints.read import Checkpoint
from sapiens_mm.layers.archs import arch_of
from sapiens_mm.tasks import KEYPOINT_COUNTS, MAP_TASKS

# what the released models were trained on, by the channels of their heads
POSE_DATASETS = dict(
    zip(KEYPOINT_COUNTS, ('coco17', 'wholebody133', 'goliath308'), strict=True)
)
_SEG_DATASETS = {28: ('goliath28',), 20: ('lip20', 'cihp20'), 19: ('face19',)}
_OUTPUT_NAMES = {'pose': 'keypoints', 'seg': 'classes'}
_HEAD_PARTS = {
    'pose': 'head.final_layer.weight',
    'dense': 'decode_head.conv_seg.weight',
    'mae': 'neck.decoder_embed.weight',
}
_DETECTOR_STARTS = ('bbox_head.', 'roi_head.', 'rpn_head.')


@dataclasses.dataclass(frozen=True)
class Identity:
    """What a state dict is.

    Attributes:
        task: ``'pose'``, ``'seg'``, ``'depth'``, ``'normal'``, ``'mae'``,
            ``'encoder'`` or ``'unknown'``.
        size: ``'0.3b'``, ``'0.6b'``, ``'1b'``, ``'2b'``, our ``'tiny'``, or None for
            other widths.
        arch: Name for ``SapiensViT(arch=…)``, None where ``size`` is.
        embed_dim: D, 0 where there is no encoder.
        depth: Number of blocks.
        num_outputs: Keypoints, classes, or channels of the head; None without head.
        num_position_rows: Rows of the position table, class row included.
        has_cls_token: There is a class token.
        prefix_style: What stands before the encoder's names in the file:
            ``'backbone.'``, ``''``, ``'module.backbone.'``, …
        dtype: Most frequent element type, such as ``'float32'``.
        is_detector: The keys are those of an mmdet detector.
        is_multitask: The keys are those of a SapiensMultitaskHead; ``task`` is then
            ``'unknown'``.
    """

    task: str
    size: str | None
    arch: str | None
    embed_dim: int
    depth: int
    num_outputs: int | None
    num_position_rows: int
    has_cls_token: bool
    prefix_style: str
    dtype: str
    is_detector: bool = False
    is_multitask: bool = False

    def describe(self) -> str:
        """Say what it is: ``a Sapiens 1B pose checkpoint with 308 keypoints``."""
        return f'a {self._noun("checkpoint")}' if self._known else self._unknown()

    def config_names(self) -> tuple[str, ...]:
        """Name the shipped configs whose model has these tensors.

        A guess of what the keypoints or classes are called: a model that somebody
        trained on others may have as many (see ``sapiens_mm.vocabulary``).
        """
        if self.size is None:
            return ()
        if self.size == 'tiny':
            return self._own_names()
        datasets: Iterable[str] = ()
        height, width = 1024, 768
        folder = self.task
        if self.task == 'pose':
            datasets = filter(None, [POSE_DATASETS.get(self.num_outputs or 0)])
        elif self.task == 'seg':
            datasets = _SEG_DATASETS.get(self.num_outputs or 0, ())
        elif self.task in MAP_TASKS:
            datasets = ('render_people',)
        elif self.task in ('mae', 'encoder'):
            datasets, folder, width = ('humans',), 'mae', 1024
        return tuple(
            f'{folder}/sapiens_{self.size}_{name}-{height}x{width}' for name in datasets
        )

    def _own_names(self) -> tuple[str, ...]:
        """Name the configs of our own small models, by task and input."""
        datasets = {('pose', 308): 'synth308', ('seg', 28): 'synth28'}
        datasets |= {('depth', 1): 'synth', ('normal', 3): 'synth'}
        dataset = datasets.get((self.task, self.num_outputs))
        # position rows of square patches of 16 pixels
        image = {32 * 24: '512x384', 16 * 12: '256x192'}.get(self.num_position_rows)
        if dataset is None or image is None:
            return ()
        return (f'{self.task}/sapiens_tiny_{dataset}-{image}',)

    @property
    def _known(self) -> bool:
        return self.task != 'unknown'

    def _unknown(self) -> str:
        if self.is_detector:
            return 'a checkpoint of an mmdet detector, not of a Sapiens model'
        if self.is_multitask:
            return (
                f'a {self._name()} checkpoint of several tasks '
                f'(sapiens convert split makes one of each)'
            )
        if self.embed_dim:
            return f'a {self._name()} checkpoint with an unknown head'
        return 'no Sapiens checkpoint (it has no patch embedding with blocks)'

    def _name(self) -> str:
        if self.size is not None:
            return f'Sapiens {self.size.upper()}'
        return f'Sapiens-like (width {self.embed_dim}, {self.depth} blocks)'

    def _noun(self, kind: str) -> str:
        task = {'mae': 'MAE', 'seg': 'segmentation'}.get(self.task, self.task)
        outputs = ''
        if self.task in _OUTPUT_NAMES:
            outputs = f' with {self.num_outputs} {_OUTPUT_NAMES[self.task]}'
        return f'{self._name()} {task} {kind}{outputs}'


def identify(source: Mapping[str, Any] | Checkpoint) -> Identity:
    """Read off what a state dict is, whatever stands before its names.

    Args:
        source: Tensors, on the meta device too, by name; or an opened checkpoint,
            whose names are ours already.

    Raises:
        CheckpointError: If it holds two models at once.
    """
    if not isinstance(source, Checkpoint):
        source = Checkpoint(dict(source), {}, None, 'memory')
    ours = source.ours
    shapes = {name: tuple(tensor.shape) for name, tensor in ours.items()}
    patch = shapes.get('backbone.patch_embed.projection.weight', (0,))
    blocks = {
        int(index)
        for name in shapes
        if name.startswith('backbone.layers.')
        and (index := name.split('.')[2]).isdigit()
    }
    embed_dim = patch[0] if blocks else 0
    arch = arch_of(embed_dim, len(blocks))
    task, num_outputs = _task_of(shapes) if embed_dim else ('unknown', None)
    dtypes = Counter(str(tensor.dtype) for tensor in ours.values())
    return Identity(
        task=task,
        size=arch.removeprefix('sapiens_') if arch else None,
        arch=arch,
        embed_dim=embed_dim,
        depth=len(blocks),
        num_outputs=num_outputs,
        num_position_rows=(*shapes.get('backbone.pos_embed', ()), 0, 0)[1],
        has_cls_token='backbone.cls_token' in shapes,
        prefix_style=_prefix_of(source.names),
        dtype=dtypes.most_common(1)[0][0].removeprefix('torch.') if dtypes else '',
        is_detector=any(name.startswith(_DETECTOR_STARTS) for name in shapes),
        is_multitask=any(name.startswith(TASK_HEADS) for name in shapes),
    )


def _task_of(shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, int | None]:
    if _HEAD_PARTS['pose'] in shapes:
        return 'pose', shapes[_HEAD_PARTS['pose']][0]
    if _HEAD_PARTS['mae'] in shapes:
        return 'mae', None
    if _HEAD_PARTS['dense'] in shapes:
        outputs = shapes[_HEAD_PARTS['dense']][0]
        deconvs = [n for n in shapes if n.startswith('decode_head.deconv_layers.')]
        if outputs == 1:  # the foreground model has one output too, on 3 stages
            return ('seg' if len(deconvs) == 3 else 'depth'), 1
        return ('normal' if outputs == 3 else 'seg'), outputs
    if all(name.startswith(BACKBONE) for name in shapes):
        return 'encoder', None
    return 'unknown', None


def _prefix_of(names: Mapping[str, str]) -> str:
    marker = 'patch_embed.projection.weight'
    for ours, theirs in names.items():
        if ours.endswith(marker):
            return theirs.removesuffix(marker)
    return ''


def _differences(found: Identity, wanted: Identity) -> bool:
    if (found.task, found.num_outputs) != (wanted.task, wanted.num_outputs):
        return True
    return (found.embed_dim, found.depth) != (wanted.embed_dim, wanted.depth)


def explain_mismatch(
    found: Identity, expected: Identity | nn.Module, hint: str | None = None
) -> str:
    """Say in one sentence how a checkpoint and a model disagree.

    Args:
        found: Identity of the checkpoint.
        expected: Identity of the model, or the model (on the meta device too).
        hint: Name of the config in use, for the sentence.

    Returns:
        What the file is, what the config wants and which config fits; ``''`` if
        task, size and number of outputs agree.
    """
    if isinstance(expected, nn.Module):
        expected = identify(expected.state_dict())
    if not _differences(found, expected):
        return ''
    config = f'the config {hint}' if hint else 'the config'
    wants = f'a {expected._noun("model")}' if expected._known else 'another model'
    fitting = found.config_names()
    advice = f'; use the config {" or ".join(fitting)}' if fitting else ''
    return f'the file is {found.describe()}, but {config} wants {wants}{advice}'
