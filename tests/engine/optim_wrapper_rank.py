"""One of two guarded processes, as a script; model and loops, as a module.

All that needs two processes happens in one start of the pair, which leaves its
results in a folder for ``test_optim_wrapper.py``.
"""

import copy
import os
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from mmengine.logging import MessageHub
from mmengine.model import BaseModel, MMDistributedDataParallel
from mmengine.runner import Runner
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

import sapiens_mm  # noqa: F401  # activates the patches
from sapiens_mm.engine import SapiensAmpOptimWrapper, SapiensOptimWrapper
from sapiens_mm.engine.fsdp2 import MIN_TORCH_ON_CPU
from sapiens_mm.engine.sharded_state import (
    clip_grad_norm_,
    gather_optimizer,
    scatter_optimizer,
)


class Model(BaseModel):
    """Two linear layers; widths do not divide by two."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(6, 15), nn.GELU(), nn.Linear(15, 3))

    def forward(self, inputs, targets, mode='loss'):
        """Return the mean squared error."""
        return dict(loss=(self.layers(inputs).float() - targets).square().mean())


def make_batches(count=6, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return [
        dict(
            inputs=torch.randn(2, 6, generator=generator),
            targets=torch.randn(2, 3, generator=generator),
        )
        for _ in range(count)
    ]


def spoil(batch, value=float('nan')):
    inputs = batch['inputs'].clone()
    inputs[0, 0] = value
    return dict(batch, inputs=inputs)


def make_optimizer(model):
    return torch.optim.AdamW(model.parameters(), lr=0.02, weight_decay=0.1)


def snapshot(model, wrapper):
    """Copy all that a step changes."""
    state = copy.deepcopy(wrapper.optimizer.state_dict()['state'])
    weights = {key: value.clone() for key, value in model.state_dict().items()}
    return dict(weights=weights, state=state, total=wrapper.grad_guard.total)


def step_by_hand(model, wrapper, batch, poison=None):
    """Train one step; ``poison`` touches the gradients in between."""
    wrapper.backward(model(**batch)['loss'])
    if poison:
        poison(model)
    wrapper.step()
    wrapper.zero_grad()


def poison_one_entry(model):
    grad = model.layers[2].weight.grad
    grad = grad.to_local() if hasattr(grad, 'to_local') else grad
    grad[-1, -1] = float('nan')


def make_runner(work_dir, data, max_iters, **kwargs):
    return Runner(
        Model(),
        str(work_dir),
        train_dataloader=dict(
            batch_size=2,
            num_workers=0,
            dataset=data,
            sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=dict(type='default_collate'),
        ),
        train_cfg=dict(by_epoch=False, max_iters=max_iters),
        optim_wrapper=dict(
            type='sapiens_mm.SapiensOptimWrapper',
            optimizer=dict(type='AdamW', lr=0.02, weight_decay=0.1),
            clip_grad=dict(max_norm=0.1),
        ),
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=3),
            logger=dict(type='LoggerHook', interval=1),
        ),
        experiment_name=f'guard_{work_dir.name}',
        **kwargs,
    )


def run_copies(rank):
    """Copies that nothing but the guard ties together; rank 1 alone goes bad."""
    model = Model()
    wrapper = SapiensOptimWrapper(make_optimizer(model))
    wrapper.initialize_count_status(model, 0, -1)
    calls, all_reduce = [], dist.all_reduce
    dist.all_reduce = lambda *args, **kw: (calls.append(1), all_reduce(*args, **kw))
    out = []
    for i, batch in enumerate(make_batches()):
        bad = rank == 1 and i in (2, 3)
        step_by_hand(model, wrapper, batch, poison_one_entry if bad else None)
        out.append(snapshot(model, wrapper) | dict(calls=len(calls)))
        calls.clear()
    dist.all_reduce = all_reduce
    return out


def run_until_it_stops(rank):
    model = Model()
    wrapper = SapiensOptimWrapper(make_optimizer(model), dict(max_consecutive=2))
    wrapper.initialize_count_status(model, 0, -1)
    try:
        for batch in make_batches():
            step_by_hand(model, wrapper, batch, poison_one_entry if rank else None)
    except FloatingPointError as error:
        return dict(error=str(error), same=_same(model, Model()))
    return 'no error'


def _same(model, other):
    pairs = zip(model.parameters(), other.parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def run_data_parallel(rank, bad):
    """Accumulate two batches a step; the bad one comes first, without all-reduce."""
    torch.manual_seed(0)
    model = Model()
    parallel = MMDistributedDataParallel(model)
    wrapper = SapiensAmpOptimWrapper(
        optimizer=make_optimizer(model),
        accumulative_counts=2,
        clip_grad=dict(max_norm=0.1),
    )
    batches = make_batches(6, seed=2 + rank)
    if bad:
        worse = spoil(batches[2]) if rank == 1 else batches[2]
        batches[2:2] = [worse, batches[3]]
    for batch in batches:
        parallel.train_step(batch, wrapper)
    return snapshot(model, wrapper)


def run_sharded(rank, bad, scaler=False):
    """NaN in the rows that rank 1 has; rank 0 sees good gradients only."""
    model = fully_shard(Model(), mesh=init_device_mesh('cpu', (2,)))
    model.set_force_sum_reduction_for_comms(True)  # as the strategy does on gloo
    wrapper = SapiensAmpOptimWrapper(
        optimizer=make_optimizer(model), clip_grad=dict(max_norm=0.1)
    )
    wrapper.clip_func = clip_grad_norm_
    if scaler:
        wrapper.loss_scaler = torch.amp.GradScaler('cpu', init_scale=64.0)
    wrapper.initialize_count_status(model, 0, -1)
    batches = make_batches()
    if bad:
        batches.insert(2, batches[0])
    for i, batch in enumerate(batches):
        poisoned = bad and i == 2 and rank == 1
        step_by_hand(model, wrapper, batch, poison_one_entry if poisoned else None)
    params = list(model.parameters())
    state = gather_optimizer(wrapper.state_dict(), params)
    other = SapiensAmpOptimWrapper(optimizer=make_optimizer(model))
    other.load_state_dict(scatter_optimizer({} if rank else state, params))
    return dict(
        weights={k: v.full_tensor() for k, v in model.state_dict().items()},
        state=state['state'] if rank == 0 else None,
        total=wrapper.grad_guard.total,
        loaded=other.grad_guard.state_dict(),
        scale=wrapper.loss_scaler.get_scale(),
        norms=list(wrapper.message_hub.get_scalar('train/grad_norm').data[0]),
    )


def run_rank(folder):
    rank = int(os.environ['RANK'])
    dist.init_process_group(
        'gloo', init_method=f'file://{folder}/store', rank=rank, world_size=2
    )
    out = dict(copies=run_copies(rank), stop=run_until_it_stops(rank))
    for name, bad in dict(good=False, bad=True).items():
        MessageHub.get_instance(f'parallel_{name}')
        out[f'parallel_{name}'] = run_data_parallel(rank, bad)
        if torch.__version__ >= MIN_TORCH_ON_CPU:
            MessageHub.get_instance(f'sharded_{name}')
            out[f'sharded_{name}'] = run_sharded(rank, bad)
    if torch.__version__ >= MIN_TORCH_ON_CPU:
        MessageHub.get_instance('sharded_scaled')
        out['sharded_scaled'] = run_sharded(rank, True, scaler=True)
    torch.save(out, folder / f'rank{rank}.pth')
    dist.destroy_process_group()


if __name__ == '__main__':
    run_rank(Path(sys.argv[1]))
