"""From a config and a checkpoint to a model that is ready to run."""

from __future__ import annotations

import copy
import logging
import numbers
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.logging import MMLogger
from mmengine.registry import MODELS
from torch import nn

from sapiens_mm import config_path, hosts, tasks
from sapiens_mm.checkpoints import load_into_new, load_weights, resolve

DTYPES = {name: getattr(torch, name) for name in tasks.DTYPES}


def load_config(config: str | Path | Config) -> Config:
    """Return a config by our name, by path, or as it is.

    Raises:
        ValueError: If there is no such config, or it holds no model.
    """
    if not isinstance(config, Config):
        path = config_path(config)
        try:
            config = Config.fromfile(path)
        except ModuleNotFoundError as error:
            # an inherited host config: say which extra brings the host
            hosts.require(*[name for name in hosts.PIP_LINES if name in str(error)])
            raise
    if 'model' not in config:
        raise ValueError(f'The config {config.filename} has no model')
    return config


def pick_device(device: str | torch.device | None) -> torch.device:
    """Return the device asked for, else the GPU, else the CPU.

    Raises:
        ValueError: If it is no device, or none that there is here.
    """
    if device is None:
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError):
        found = None
    if found is None or isinstance(device, (bool, int)):
        raise ValueError(
            f"device must be like 'cpu', 'cuda' or 'cuda:1', got {device!r}"
        )
    if found.type == 'meta':
        raise ValueError("device 'meta' holds no numbers, so nothing runs there")
    try:
        torch.zeros(1, device=found)
    except Exception as error:  # each kind of device has its own
        why = str(error).partition('\n')[0].partition('. ')[0].rstrip('.')
        raise ValueError(
            f'device {str(found)!r} is not available here ({why}); use cpu'
        ) from None
    return found


def check_batch_size(batch_size: object) -> int | None:
    """Return how many inputs a model takes at once; None leaves it to the device.

    Raises:
        ValueError: If it is no whole number of 1 or more.
    """
    if batch_size is None:
        return None
    whole = isinstance(batch_size, numbers.Integral)
    if not whole or isinstance(batch_size, bool):
        raise ValueError(f'batch_size must be a whole number, got {batch_size!r}')
    if batch_size < 1:
        raise ValueError(f'batch_size must be at least 1, got {batch_size}')
    return int(batch_size)


def pick_dtype(dtype: str | torch.dtype | None, device: torch.device) -> torch.dtype:
    """Return the number format asked for, else bfloat16 on a GPU, else float32.

    Raises:
        ValueError: If it is none of float32, bfloat16, float16.
    """
    if dtype is None:
        return torch.bfloat16 if device.type == 'cuda' else torch.float32
    if isinstance(dtype, torch.dtype) and dtype in DTYPES.values():
        return dtype
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ValueError(f'dtype must be one of {list(DTYPES)}, got {dtype!r}')
    return DTYPES[dtype]


def build_model(
    config: Config,
    checkpoint: str | Path | None,
    device: torch.device,
    dtype: torch.dtype,
    tied: bool = False,
) -> nn.Module:
    """Build the config's model in evaluation mode and load its weights.

    With a checkpoint the model is built without memory and takes the tensors of
    the mapped file as they are: it is never initialised.

    Args:
        config: With ``model`` and ``default_scope``.
        checkpoint: Anything ``sapiens_mm.checkpoints.resolve`` takes, or None for
            random weights, which raises a warning.
        device: Where to put the model.
        dtype: Number format of the weights; inputs follow.
        tied: Layers share parameters; then the model is initialised first.

    Raises:
        ValueError: If checkpoint and config disagree; one sentence says how.
    """
    scope = config.get('default_scope', 'mmengine')
    hosts.require(scope)
    with hosts.scope(scope):
        # a copy: pop must not change the caller's config
        model_cfg = copy.deepcopy(config.model)
        preprocessor = MODELS.build(model_cfg.pop('data_preprocessor'))
        # where training starts from; inference has a checkpoint, or says it has none
        model_cfg.get('backbone', {}).pop('init_cfg', None)

        def build() -> nn.Module:
            cfg = copy.deepcopy(model_cfg)
            # the preprocessor's mean and std are in no checkpoint
            cfg['data_preprocessor'] = preprocessor  # real buffers in a meta model
            return MODELS.build(cfg)

        name = _name(config)
        return materialize(build, checkpoint, device, dtype, name, tied=tied)


def materialize(
    build: Callable[[], nn.Module],
    checkpoint: str | Path | None,
    device: torch.device,
    dtype: torch.dtype,
    name: str,
    part: str = 'full',
    tied: bool = False,
) -> nn.Module:
    """Call ``build`` and fill the model from a checkpoint, or at random.

    Args:
        build: Returns the module; called once.
        checkpoint: As in ``build_model``.
        device: Where to put the model.
        dtype: Number format of the weights.
        name: What to call the model in messages.
        part: ``'full'``, or ``'backbone'`` for an encoder alone.
        tied: As in ``build_model``.

    Returns:
        The module, in evaluation mode.
    """
    if checkpoint is None:
        warnings.warn(
            f'{name} runs with random weights: give a checkpoint for real results',
            stacklevel=4,
        )
        # model builders draw and read global state; other threads must not see it
        with hosts.PROCESS_STATE, torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = build()
            with _quiet_logger():  # one line for each of hundreds of parameters
                model.init_weights()
    elif tied:
        model = build()
        load_weights(model, resolve(checkpoint), part=part)
    else:
        model, _ = load_into_new(
            build,
            resolve(checkpoint),
            dtype=dtype,
            device=device,
            part=part,
            expected_hint=name,
        )
    for child_name, child in model.named_children():
        if child_name != 'data_preprocessor':  # normalises in float32
            child.to(dtype)
    # parameters of the model itself, which is in none of its children
    for parameter in model.parameters(recurse=False):
        parameter.data = parameter.data.to(dtype)
    return model.to(device).eval().requires_grad_(False)


def build_pipeline(config: Config) -> Compose:
    """Build a config's test pipeline for images that are read already.

    Args:
        config: With ``default_scope``; its host's transforms are registered.

    Returns:
        The pipeline without the steps that load images and annotations.
    """
    steps = [
        step for step in test_steps(config) if 'Load' not in _class_name(step['type'])
    ]
    with hosts.scope(config.default_scope):
        return Compose(steps)


def test_steps(config: Config) -> list:
    """Return the steps of ``test_pipeline``, or of the test or validation set's.

    Hosts' configs name them as they like.

    Raises:
        ValueError: If the config has none.
    """
    for key in ('test_dataloader', 'val_dataloader'):
        found = config.get('test_pipeline')
        dataset = (config.get(key) or {}).get('dataset') or {}
        if not found:
            found = dataset.get('pipeline') or (dataset.get('dataset') or {}).get(
                'pipeline'
            )
        if found:
            return list(found)
    raise ValueError(f'{_name(config)} has no test_pipeline to prepare images with')


def _class_name(kind: str | type) -> str:
    name = kind if isinstance(kind, str) else kind.__name__
    return name.rpartition('.')[2]


@contextmanager
def _quiet_logger() -> Iterator[None]:
    """Keep this thread's remarks from mmengine's log; its level is not ours to set."""
    logger = MMLogger.get_current_instance()
    thread = threading.get_ident()

    def passes(record: logging.LogRecord) -> bool:
        # other threads keep their log
        return record.thread != thread or record.levelno >= logging.WARNING

    logger.addFilter(passes)
    try:
        yield
    finally:
        logger.removeFilter(passes)


def _name(config: Config) -> str:
    return Path(config.filename).stem if config.filename else 'The model'
