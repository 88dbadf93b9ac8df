"""Fully sharded training (FSDP2) for mmengine's FlexibleRunner.

Host bug: ``mmengine._strategy.FSDPStrategy`` (0.10.7) wraps the model in FSDP1, which
PyTorch has deprecated. It asks for a CUDA device by number, so it fails on a CPU, as
``init_dist`` does before it; FSDP1 flattens parameters, so optimizers with settings
per parameter cannot be built (https://github.com/open-mmlab/mmengine/issues/1032, open
since 2023); and by default every rank writes a file that no plain model loads. Here
each transformer block is sharded with ``torch.distributed.fsdp.fully_shard``, on
GPUs over nccl and on CPUs over gloo, and checkpoints are ordinary mmengine files.

The class can go when an mmengine release shards with ``fully_shard``; the test of the
host's strategy in ``tests/engine/test_fsdp2.py`` tells by itself when that one works
on a CPU.
"""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import timedelta

import torch
import torch.distributed as dist
from mmengine._strategy import DDPStrategy
from mmengine.model import BaseDataPreprocessor
from mmengine.optim import OptimWrapper
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard

from sapiens_mm.engine.sharded_state import (
    clip_grad_norm_,
    gather,
    gather_optimizer,
    read_checkpoint,
    scatter_optimizer,
    scatter_weights,
)
from sapiens_mm.registry import STRATEGIES

MIN_TORCH_ON_CPU = (2, 8)  # 2.6 fails there, 2.7 trains on sums of gradients


@STRATEGIES.register_module()
class SapiensFSDP2Strategy(DDPStrategy):
    """Shard parameters, gradients and optimizer state over all ranks.

    Every block is gathered just before it runs and freed after it. Blocks run through
    ``__call__``; a module of which the model calls another method (mmpose and
    mmseg call ``head.loss``) stays in the root, which is sharded as one more block.
    Activation checkpointing is the model's affair (``with_cp`` of ``SapiensViT``).

    Rank 0 gathers and writes checkpoints, and alone reads them. They are
    the files a run on one device writes, optimizer included, so either run
    resumes the other's, on any number of ranks. ``EMAHook`` copies the model,
    which FSDP2 forbids.

    Args:
        blocks: What to shard one by one: names of classes, or paths such as
            ``'backbone.layers'``, of which a list or sequence stands for its items.
        mixed_precision: Fields of ``MixedPrecisionPolicy``, such as
            ``dict(param_dtype='bfloat16', reduce_dtype='float32')``: type of the
            gathered parameters and of the gradients on the wire. The loss is then
            computed in ``param_dtype`` too, unless the head casts;
            ``SapiensAmpOptimWrapper`` is the gentler way to bfloat16.
        reshard_after_forward: Free a block's gathered parameters between forward
            and backward; ``False`` trades memory for communication.
        sync_bn: As in ``DDPStrategy``.
        **kwargs: Of mmengine's ``BaseStrategy``; the runner fills them in.

    Raises:
        ValueError: If ``mixed_precision`` has a key or a type that does not exist, or
            the run was not started by a launcher.
    """

    def __init__(
        self,
        *,
        blocks: str | Sequence[str] = 'backbone.layers',
        mixed_precision: dict | None = None,
        reshard_after_forward: bool = True,
        sync_bn: str | None = None,
        **kwargs,
    ) -> None:
        if 'model_wrapper' in kwargs:
            raise ValueError('model_wrapper is not for FSDP2, which wraps no model')
        self.blocks = (blocks,) if isinstance(blocks, str) else tuple(blocks)
        self.mp_policy = _parse_mixed_precision(mixed_precision or {})
        self.reshard_after_forward = reshard_after_forward
        super().__init__(sync_bn=sync_bn, **kwargs)
        if not dist.is_initialized():
            raise ValueError(
                "sharding needs launcher='pytorch' (torchrun) or 'slurm', "
                f'not {self.launcher!r}'
            )

    def _setup_distributed(
        self, launcher: str = 'pytorch', backend: str = 'nccl', **kwargs
    ) -> None:
        """Start the process group; on a CPU without the host's ``set_device``."""
        if torch.cuda.is_available():
            super()._setup_distributed(launcher, backend, **kwargs)
            return
        if torch.__version__ < MIN_TORCH_ON_CPU:
            raise ValueError(
                f'PyTorch {torch.__version__} cannot shard on CPUs, 2.8 and later can'
            )
        if launcher != 'pytorch':
            raise ValueError(f"on CPUs launcher must be 'pytorch', not {launcher!r}")
        if kwargs.get('timeout') is not None:  # seconds, as in the host's init_dist
            kwargs['timeout'] = timedelta(seconds=kwargs['timeout'])
        dist.init_process_group(
            'gloo' if backend == 'nccl' else backend,
            rank=int(os.environ['RANK']),
            world_size=int(os.environ['WORLD_SIZE']),
            **kwargs,
        )

    def _wrap_model(self, model: nn.Module) -> nn.Module:
        """Shard ``model`` in place, which also moves it to this rank's device."""
        device_type = 'cuda' if torch.cuda.is_available() else 'cpu'
        for module in model.modules():
            if isinstance(module, BaseDataPreprocessor):
                module.to(device_type)  # it remembers the device for its inputs
        model = self.convert_model(model)
        options = dict(
            mesh=init_device_mesh(device_type, (self.world_size,)),
            mp_policy=self.mp_policy,
        )
        for block in find_blocks(model, self.blocks):
            fully_shard(
                block, reshard_after_forward=self.reshard_after_forward, **options
            )
        model = fully_shard(model, **options)
        if device_type == 'cpu':  # gloo of some releases sums where it should average
            for module in model.modules():
                if isinstance(module, FSDPModule):
                    module.set_force_sum_reduction_for_comms(True)
        return model

    def build_optim_wrapper(
        self, optim_wrapper: dict, model: nn.Module | None = None
    ) -> OptimWrapper:
        """Build the optimizer over the sharded parameters.

        Args:
            optim_wrapper: Config of one optimizer wrapper.
            model: The sharded model.

        Raises:
            ValueError: If ``optim_wrapper`` is built already, around parameters that
                are not sharded, or holds several optimizers.
        """
        if not isinstance(optim_wrapper, dict):
            raise ValueError(
                'optim_wrapper must be a config: parameters are sharded before the '
                f'optimizer is built, and this {type(optim_wrapper).__name__} has the '
                'whole ones'
            )
        built = super().build_optim_wrapper(optim_wrapper, model)
        if not isinstance(built, OptimWrapper):
            raise ValueError('several optimizers are not supported, only one')
        if built.clip_grad_kwargs and built.grad_name == 'grad_norm':
            built.clip_func = clip_grad_norm_
        return built

    def model_state_dict(self) -> OrderedDict[str, Tensor | None]:
        """Gather the weights; all ranks must call it.

        Returns:
            Keys and shapes of the plain model, on the CPU; ``None`` for each
            value on all ranks but 0.
        """
        sharded = self.model.state_dict()
        full = OrderedDict((name, gather(value)) for name, value in sharded.items())
        # versions of modules, by which BatchNorm tells old files
        full._metadata = getattr(sharded, '_metadata', OrderedDict())
        return full

    def optim_state_dict(self) -> dict:
        """Gather the optimizer's state; all ranks must call it.

        Returns:
            What the wrapper's ``state_dict`` is in a run on one device; the
            tensors are ``None`` on all ranks but 0.
        """
        return gather_optimizer(
            self.optim_wrapper.state_dict(), self._optimized_params()
        )

    def save_checkpoint(
        self,
        filename: str,
        *,
        save_optimizer: bool = True,
        save_param_scheduler: bool = True,
        extra_ckpt: dict | None = None,
        callback: Callable | None = None,
    ) -> None:
        """Write one file of the host's format from rank 0; all ranks must call it.

        Args:
            filename: Where to.
            save_optimizer: Save the optimizer too.
            save_param_scheduler: Save the parameter schedulers too.
            extra_ckpt: More entries, such as ``meta`` and ``message_hub``.
            callback: Called with the checkpoint before it is written, on rank 0.
        """
        if dist.get_rank() == 0:
            # Past DDPStrategy, which would leave the other ranks out of the gathering.
            super(DDPStrategy, self).save_checkpoint(
                filename,
                save_optimizer=save_optimizer,
                save_param_scheduler=save_param_scheduler,
                extra_ckpt=extra_ckpt,
                callback=callback,
            )
            return
        # gathering is collective: rank 0 would wait for ever
        self.model_state_dict()
        if save_optimizer and hasattr(self, 'optim_wrapper'):
            self.optim_state_dict()

    def load_checkpoint(
        self,
        filename: str,
        *,
        map_location: str | Callable = 'cpu',
        strict: bool = False,
        revise_keys: Sequence[tuple[str, str]] = ((r'^module\.', ''),),
        callback: Callable | None = None,
    ) -> dict:
        """Load weights from a file that rank 0 alone reads.

        Args:
            filename: Path or URL, as in the host.
            map_location: Not used: the file is read to the CPU.
            strict: Raise where keys or shapes disagree, instead of a warning.
            revise_keys: Pairs of pattern and replacement for the keys of the file.
            callback: Called with the checkpoint, on all ranks; weights and
                optimizer state are there on rank 0 only.

        Returns:
            The checkpoint without its weights.
        """
        self.logger.info(f'Load checkpoint from {filename}')
        checkpoint = read_checkpoint(filename)
        if callback is not None:
            callback(checkpoint)
        self.load_model_state_dict(
            checkpoint.pop('state_dict'), strict=strict, revise_keys=revise_keys
        )
        return checkpoint

    def load_model_state_dict(
        self,
        state_dict: dict,
        *,
        strict: bool = False,
        revise_keys: Sequence[tuple[str, str]] = ((r'^module\.', ''),),
    ) -> None:
        """Shard the weights that rank 0 has; all ranks must call it.

        Args:
            state_dict: Keys and shapes of the plain model; empty on other ranks.
            strict: Raise where keys or shapes disagree, instead of a warning.
            revise_keys: Pairs of pattern and replacement for the keys.

        Raises:
            RuntimeError: If ``strict`` and the weights are not those of the model.
        """
        for pattern, new in revise_keys:
            state_dict = {re.sub(pattern, new, k): v for k, v in state_dict.items()}
        complaint = scatter_weights(state_dict, self.model, strict)
        if complaint and dist.get_rank() == 0:
            self.logger.warning(complaint)

    def load_optim_state_dict(self, state_dict: dict) -> None:
        """Shard the optimizer state that rank 0 has; all ranks must call it.

        Args:
            state_dict: Of a run on one device or of :meth:`optim_state_dict`; empty
                on other ranks.
        """
        self.optim_wrapper.load_state_dict(
            scatter_optimizer(state_dict, self._optimized_params())
        )

    def _optimized_params(self) -> list[Tensor]:
        groups = self.optim_wrapper.optimizer.param_groups
        return [param for group in groups for param in group['params']]


def find_blocks(model: nn.Module, names: Sequence[str]) -> list[nn.Module]:
    """Find the modules to shard one by one.

    Args:
        model: Where to look.
        names: Names of classes, or paths of modules; of a list or sequence of
            modules at a path, its items are meant.

    Returns:
        Each module once, inner ones before those that hold them.

    Raises:
        ValueError: If a name matches nothing.
    """
    wanted = set()
    for name in names:
        found = [m for m in model.modules() if type(m).__name__ == name]
        if not found:
            try:
                found = [model.get_submodule(name)]
            except AttributeError:
                found = []
            if found and isinstance(found[0], (nn.ModuleList, nn.Sequential)):
                found = list(found[0])
        if not found:
            raise ValueError(
                f'blocks: {name!r} is neither a class nor a path of modules in '
                f'{type(model).__name__}'
            )
        wanted.update(found)
    # children before parents, and the root is sharded on its own
    return [m for m in reversed(list(model.modules())) if m in wanted - {model}]


def _parse_mixed_precision(config: dict) -> MixedPrecisionPolicy:
    try:
        return MixedPrecisionPolicy(
            **{
                k: getattr(torch, v) if isinstance(v, str) else v
                for k, v in config.items()
            }
        )
    except (TypeError, AttributeError) as e:
        known = ', '.join(field.name for field in fields(MixedPrecisionPolicy))
        raise ValueError(f'mixed_precision: {e}; its keys are {known}') from e
