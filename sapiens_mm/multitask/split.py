"""One model of each task out of a model of several."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from sapiens_mm.checkpoints.keys import BACKBONE, TASK_HEADS


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
    encoder = {k: v for k, v in state_dict.items() if k.startswith(BACKBONE)}
    split = {}
    for task in tasks:
        own, name = f'{TASK_HEADS}{task}.', 'head' if task == 'pose' else 'decode_head'
        head = {
            f'{name}.{key.removeprefix(own)}': value
            for key, value in state_dict.items()
            if key.startswith(own)
        }
        split[task] = {**encoder, **head}
    return split
