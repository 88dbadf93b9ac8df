"""Several training processes on a machine without a GPU.

Host bugs: mmengine 0.10.7's ``init_dist`` selects a CUDA device whatever the backend,
and its runner names one to ``DistributedDataParallel``; both die where there is none. A
process group that exists already is left alone, and so is what a config says. PyTorch's
``SyncBatchNorm``, which mmdet's RTMDet makes of its norms by itself, refuses a CPU.
"""

from __future__ import annotations

import torch
from mmengine.config import Config
from mmengine.model import MMDistributedDataParallel, revert_sync_batchnorm
from mmengine.registry import MODEL_WRAPPERS
from torch import distributed as dist
from torch import nn


@MODEL_WRAPPERS.register_module()
class SapiensCpuDistributed(MMDistributedDataParallel):
    """mmengine's wrapper for processes without a GPU.

    Each ``SyncBatchNorm`` becomes a ``BatchNorm`` with the same keys: its statistics
    are of the process's own batch.

    Args:
        module: The model.
        kwargs: Of ``MMDistributedDataParallel``.
    """

    def __init__(self, module: nn.Module, **kwargs: object) -> None:
        super().__init__(module=revert_sync_batchnorm(module), **kwargs)


def join_on_cpu(cfg: Config, launcher: str) -> bool:
    """Join the processes of ``torchrun`` over gloo if there is no GPU.

    Args:
        cfg: Of the run; its ``model_wrapper_cfg`` is told that there are no devices.
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``; only
            ``'pytorch'`` states its processes in the environment.

    Returns:
        Whether this made the process group; then the caller ends it.
    """
    if launcher != 'pytorch' or torch.cuda.is_available() or dist.is_initialized():
        return False
    # DistributedDataParallel takes no device ids for a model on the CPU
    wrapper = dict(type='SapiensCpuDistributed', device_ids=None)
    if cfg.get('find_unused_parameters'):
        wrapper['find_unused_parameters'] = True
    cfg.model_wrapper_cfg = {**wrapper, **(cfg.get('model_wrapper_cfg') or {})}
    dist.init_process_group('gloo')
    return True
