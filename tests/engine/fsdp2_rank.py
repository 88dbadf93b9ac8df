"""One of two sharded processes, as a script; the model and the runners, as a module.

All that needs two processes happens in one start of the pair, which leaves its
results in a folder for ``test_fsdp2.py``.
"""

import os
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from mmengine._strategy import FSDPStrategy
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper
from mmengine.runner import FlexibleRunner
from torch import nn
from torch.distributed.tensor import DTensor
from torch.utils.checkpoint import checkpoint

import sapiens_mm  # noqa: F401  # activates the patches
from sapiens_mm.engine.sharded_state import clip_grad_norm_, scatter

STEPS = 4


class Block(nn.Module):
    """A residual MLP; its widths do not divide by two."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(9)
        self.fc1 = nn.Linear(9, 15)
        self.fc2 = nn.Linear(15, 9)

    def forward(self, x):
        """Map (B, N, 9) to the same shape."""
        return x + self.fc2(nn.functional.gelu(self.fc1(self.norm(x))))


class Backbone(nn.Module):
    """Blocks after a position table, recomputed in the backward pass."""

    def __init__(self):
        super().__init__()
        self.pos_embed = nn.Parameter(torch.randn(1, 4, 9))
        self.layers = nn.ModuleList(Block() for _ in range(3))

    def forward(self, x):
        """Map (B, 4, 9) to the same shape."""
        x = x + self.pos_embed
        for layer in self.layers:
            x = checkpoint(layer, x, use_reentrant=False)
        return x


class Model(BaseModel):
    """A transformer's skeleton with a head, a buffer and a counter."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.backbone = Backbone()
        self.head = nn.Linear(9, 5)
        self.register_buffer('scale', torch.full((5,), 2.0))
        self.register_buffer('steps', torch.tensor(0))

    def forward(self, inputs, targets, mode='loss'):
        """Return the mean squared error, or the output itself."""
        out = self.head(self.backbone(inputs)) * self.scale
        if mode != 'loss':
            return out
        self.steps += 1
        return dict(loss=(out - targets).square().mean())


def make_data():
    """Four global batches of four; at an epoch's end mmengine sleeps two seconds."""
    generator = torch.Generator().manual_seed(1)
    return [
        dict(
            inputs=torch.randn(4, 9, generator=generator),
            targets=torch.randn(4, 5, generator=generator),
        )
        for _ in range(4 * STEPS)
    ]


def make_batch(step):
    data = make_data()[4 * step :][:4]
    return {key: torch.stack([item[key] for item in data]) for key in data[0]}


def make_runner(work_dir, strategy, batch_size, max_iters=STEPS, **kwargs):
    kwargs.setdefault(
        'optim_wrapper',
        dict(
            optimizer=dict(type='AdamW', lr=0.02, weight_decay=0.1),
            clip_grad=dict(max_norm=0.5),
            paramwise_cfg=dict(norm_decay_mult=0.0),
        ),
    )
    return FlexibleRunner(
        Model(),
        work_dir=str(work_dir),
        strategy=strategy,
        train_dataloader=dict(
            batch_size=batch_size,
            num_workers=0,
            dataset=make_data(),
            sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=dict(type='default_collate'),
        ),
        train_cfg=dict(by_epoch=False, max_iters=max_iters),
        param_scheduler=dict(type='LinearLR', start_factor=0.5, end=4, by_epoch=False),
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=1)
        ),
        randomness=dict(seed=0),
        experiment_name=work_dir.name,
        log_level='WARNING',
        **kwargs,
    )


def make_sharded(work_dir, store, options=None, **kwargs):
    options = dict(blocks='backbone.layers') if options is None else options
    return make_runner(
        work_dir,
        dict(type='sapiens_mm.SapiensFSDP2Strategy', **options),
        batch_size=2,
        launcher='pytorch',
        env_cfg=dict(
            dist_cfg=dict(backend='nccl', init_method=f'file://{store}', timeout=120)
        ),
        **kwargs,
    )


def make_plain(work_dir, **kwargs):
    strategy = dict(type='SingleDeviceStrategy')
    return make_runner(work_dir, strategy, batch_size=4, launcher='none', **kwargs)


def train_by_hand():
    """Train with nothing but PyTorch; returns weights and gradient norm by step."""
    model = Model()
    norms = {id(p) for n, p in model.named_parameters() if 'norm' in n}
    groups = [
        dict(params=[p], weight_decay=0.0 if id(p) in norms else 0.1)
        for p in model.parameters()
    ]
    optimizer = torch.optim.AdamW(groups, lr=0.02)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 0.5, total_iters=3)
    weights, grad_norms = {}, []
    for step in range(STEPS):
        model(**make_batch(step))['loss'].backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        optimizer.zero_grad()
        scheduler.step()
        weights[step + 1] = {k: v.clone() for k, v in model.state_dict().items()}
        grad_norms.append(norm.item())
    return weights, grad_norms


def describe_error(function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except Exception as e:
        return f'{type(e).__name__}: {e}'
    return 'no error'


def run_rank(folder):
    """Do all that needs two processes; leave the results in ``folder``."""
    rank, store, out = int(os.environ['RANK']), folder / 'store', {}

    runner = make_sharded(folder / 'whole', store)
    runner.train()
    strategy = runner.strategy
    out['backend'] = dist.get_backend()
    out['grad_norms'] = list(runner.message_hub.get_scalar('train/grad_norm').data[0])
    layers = runner.model.backbone.layers
    out['spread'] = [isinstance(p, DTensor) for p in runner.model.parameters()]
    out['own'] = [type(layer).__name__ for layer in layers]
    out['local_rows'] = layers[0].fc1.weight.to_local().shape[0]
    with torch.no_grad():  # leaves the root gathered
        out['prediction'] = runner.model(**make_batch(0), mode='tensor')
    strategy.save_checkpoint(str(folder / 'after_prediction.pth'))

    # Errors, each raised on both ranks, or else one would wait for the other.
    path = str(folder / 'whole/iter_4.pth')

    def spoil(ckpt):
        if ckpt['state_dict']:
            ckpt['state_dict']['more'] = ckpt['state_dict'].pop('head.bias')
            ckpt['state_dict']['head.weight'] = torch.zeros(5, 3)

    out['strict'] = describe_error(
        strategy.load_checkpoint, path, strict=True, callback=spoil
    )
    out['no_file'] = describe_error(strategy.load_checkpoint, str(folder / 'no.pth'))
    state = torch.optim.SGD([torch.zeros(1)], lr=1.0).state_dict()
    out['other_optimizer'] = describe_error(
        strategy.load_optim_state_dict, state if rank == 0 else {}
    )
    sgd = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    out['built_optimizer'] = describe_error(
        strategy.build_optim_wrapper, OptimWrapper(sgd), runner.model
    )
    # What fits is loaded, the rest keeps its values.
    nn.init.zeros_(runner.model.head.bias)
    nn.init.zeros_(layers[0].fc1.bias)
    strategy.load_checkpoint(path, callback=spoil)
    strategy.save_checkpoint(str(folder / 'partly.pth'), save_optimizer=False)

    for norm_type in (1.0, 2.0, float('inf')):
        params = list(runner.model.parameters())
        for i, param in enumerate(params):
            full = torch.arange(param.numel()).reshape(param.shape).sin() * (i + 1)
            param.grad = scatter(full if rank == 0 else None, param, param.dtype)
        norm = clip_grad_norm_(params, 0.5, norm_type)
        clipped = [param.grad.full_tensor() for param in params]
        out[f'clip_{norm_type}'] = (norm, clipped)
    params[0].grad.fill_(float('nan'))
    out['nan'] = describe_error(clip_grad_norm_, params, 1.0, error_if_nonfinite=True)

    for name, source in dict(own='whole', plain='plain').items():
        path = str(folder / source / 'iter_2.pth')
        make_sharded(
            folder / f'from_{name}', store, load_from=path, resume=True
        ).train()

    mixed = dict(param_dtype='bfloat16', reduce_dtype='float32')
    make_sharded(
        folder / 'mixed',
        store,
        dict(blocks=['Block'], mixed_precision=mixed, reshard_after_forward=False),
        max_iters=1,
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=1.0)),
    ).train()
    make_sharded(
        folder / 'amp',
        store,
        max_iters=2,
        optim_wrapper=dict(
            type='sapiens_mm.SapiensAmpOptimWrapper',
            optimizer=dict(type='SGD', lr=0.5),
            accumulative_counts=2,
        ),
    ).train()

    host = FSDPStrategy(
        work_dir=str(folder / 'host'), env_kwargs=dict(launcher='pytorch')
    )
    out['host'] = describe_error(host.prepare, Model())
    torch.save(out, folder / f'rank{rank}.pth')


if __name__ == '__main__':
    run_rank(Path(sys.argv[1]))
