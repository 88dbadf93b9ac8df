"""One model of each task out of a model of several, and back."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from sapiens_mm.checkpoints.keys import BACKBONE, TASK_HEADS, differing_key

POSITIONS = f'{BACKBONE}pos_embed'


def split_state_dict(state_dict: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Make a state dict of each task: the encoder, and its own head.

    Args:
        state_dict: Of a pose estimator with a ``SapiensMultitaskHead``.

    Returns:
        By task; heads are called ``head`` for pose, else ``decode_head``, as in the
        configs of single tasks.

    Raises:
        ValueError: If there are no such heads.
    """
    tasks = list(
        dict.fromkeys(
            key.removeprefix(TASK_HEADS).split('.')[0]
            for key in state_dict
            if key.startswith(TASK_HEADS)
        )
    )
    if not tasks:
        raise ValueError(f'there are no keys {TASK_HEADS}*: not of several tasks')
    encoder = _renamed(state_dict, BACKBONE, BACKBONE)
    return {
        task: {
            **encoder,
            **_renamed(state_dict, f'{TASK_HEADS}{task}.', _single_head(task)),
        }
        for task in tasks
    }


def join_state_dicts(
    models: Mapping[str, Mapping[str, Tensor]],
) -> dict[str, Tensor]:
    """Make a state dict of several tasks: the first's encoder, and the head of each.

    The other heads then see features that they were not trained on; a training of all
    repairs that within some hundred steps.

    Args:
        models: State dicts of single tasks by task, ``'pose'``, ``'seg'``, ``'depth'``
            or ``'normal'``, as ``split_state_dict`` returns them.

    Returns:
        For a pose estimator with a ``SapiensMultitaskHead``.

    Raises:
        ValueError: If one has no head of its task, or an encoder of another shape.
            Sizes of images may differ.
    """
    encoder = _renamed(next(iter(models.values()), {}), BACKBONE, BACKBONE)
    joined = dict(encoder)
    for task, state_dict in models.items():
        own = _renamed(state_dict, BACKBONE, BACKBONE)
        differing = differing_key(encoder, own, ignored=POSITIONS)
        if differing or not own:
            first = differing or f'{BACKBONE}*'
            raise ValueError(f'{task}: the encoder is another one, see {first}')
        single = _single_head(task)
        head = _renamed(state_dict, single, f'{TASK_HEADS}{task}.')
        if not head or any(key.startswith(TASK_HEADS) for key in state_dict):
            raise ValueError(f'{task}: there are no keys {single}* of a single task')
        joined |= head
    return joined


def _renamed(state_dict: Mapping[str, Tensor], old: str, new: str) -> dict[str, Tensor]:
    """Pick the keys that begin with ``old``, and let them begin with ``new``."""
    return {
        f'{new}{key.removeprefix(old)}': value
        for key, value in state_dict.items()
        if key.startswith(old)
    }


def _single_head(task: str) -> str:
    """Return what keys of a task's head begin with in a config of that task."""
    return 'head.' if task == 'pose' else 'decode_head.'
