"""bfloat16 training on a CPU, against loops written by hand."""

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.optim import AmpOptimWrapper
from mmengine.registry import OPTIM_WRAPPERS
from mmengine.runner import Runner
from torch import nn

from sapiens_mm.engine import SapiensAmpOptimWrapper

NEEDS_CPU = pytest.mark.skipif(
    torch.cuda.is_available(), reason='about machines without an accelerator'
)
DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'
TYPE = 'sapiens_mm.SapiensAmpOptimWrapper'


class Model(BaseModel):
    """Two linear layers and the dtypes that they were seen to compute in."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(6, 16), nn.GELU(), nn.Linear(16, 3))
        self.seen = []

    def forward(self, inputs, targets, mode='loss'):
        """Return the mean squared error."""
        out = self.layers(inputs)
        self.seen.append(out.dtype)
        return dict(loss=(out.float() - targets).square().mean())


def make_data(count=8):
    generator = torch.Generator().manual_seed(1)
    return [
        dict(
            inputs=torch.randn(6, generator=generator),
            targets=torch.randn(3, generator=generator),
        )
        for _ in range(count)
    ]


def make_batches(size=2):
    data = make_data()
    return [
        {key: torch.stack([d[key] for d in data[i : i + size]]) for key in data[0]}
        for i in range(0, len(data), size)
    ]


def make_optimizer(model):
    return torch.optim.AdamW(model.parameters(), lr=0.02, weight_decay=0.1)


def train_by_hand(dtype, accumulate=1, max_norm=None):
    """Train four batches with nothing but PyTorch; returns the weights."""
    model = Model().to(DEVICE)
    optimizer = make_optimizer(model)
    for i, batch in enumerate(make_batches()):
        batch = {key: value.to(DEVICE) for key, value in batch.items()}
        with torch.autocast(DEVICE, dtype=dtype, enabled=dtype != torch.float32):
            loss = model(**batch)['loss']
        (loss / accumulate).backward()
        if (i + 1) % accumulate == 0:
            if max_norm:
                nn.utils.clip_grad_norm_(model.parameters(), max_norm)
            optimizer.step()
            optimizer.zero_grad()
    return model.state_dict()


def make_runner(work_dir, max_iters, **kwargs):
    wrapper = dict(
        type=TYPE,
        dtype='bfloat16',
        optimizer=dict(type='AdamW', lr=0.02, weight_decay=0.1),
        accumulative_counts=2,
        clip_grad=dict(max_norm=0.1),
    )
    return Runner(
        Model(),
        str(work_dir),
        train_dataloader=dict(
            batch_size=2,
            num_workers=0,
            dataset=make_data(),
            sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=dict(type='default_collate'),
        ),
        train_cfg=dict(by_epoch=False, max_iters=max_iters),
        optim_wrapper=wrapper,
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2)
        ),
        experiment_name=f'amp_{work_dir.name}',
        **kwargs,
    )


def assert_same(got, expected):
    assert got.keys() == expected.keys()
    for key in expected:
        torch.testing.assert_close(got[key], expected[key], rtol=0, atol=0, msg=key)


@pytest.mark.parametrize('dtype', ['bfloat16', 'float32', torch.bfloat16])
@pytest.mark.parametrize(('accumulate', 'max_norm'), [(1, None), (1, 0.1), (2, 0.1)])
def test_steps_equal_a_loop_written_by_hand(dtype, accumulate, max_norm):
    model = Model().to(DEVICE)
    wrapper = SapiensAmpOptimWrapper(
        dtype=dtype,
        optimizer=make_optimizer(model),
        accumulative_counts=accumulate,
        clip_grad=dict(max_norm=max_norm) if max_norm else None,
    )
    for batch in make_batches():
        batch = {key: value.to(DEVICE) for key, value in batch.items()}
        model.train_step(batch, wrapper)
    torch_dtype = getattr(torch, str(dtype).removeprefix('torch.'))
    assert model.seen == [torch_dtype] * 4
    assert_same(model.state_dict(), train_by_hand(torch_dtype, accumulate, max_norm))


def test_bfloat16_is_not_float32():
    """Guards the test above: the two ways to train differ by more than rounding."""
    low, full = train_by_hand(torch.bfloat16), train_by_hand(torch.float32)
    assert max((low[k] - full[k]).abs().max() for k in low) > 1e-4


def test_runner_trains_and_resumes_to_the_same_weights(tmp_path):
    make_runner(tmp_path / 'whole', 4).train()
    whole = torch.load(tmp_path / 'whole/iter_4.pth', weights_only=False)
    by_hand = train_by_hand(torch.bfloat16, accumulate=2, max_norm=0.1)
    assert_same(whole['state_dict'], {k: v.cpu() for k, v in by_hand.items()})

    checkpoint = str(tmp_path / 'whole/iter_2.pth')
    runner = make_runner(tmp_path / 'rest', 4, load_from=checkpoint, resume=True)
    runner.train()
    assert isinstance(runner.optim_wrapper, SapiensAmpOptimWrapper)
    assert_same(runner.model.state_dict(), by_hand)


def test_state_dict_holds_what_the_host_expects():
    model = Model()
    wrapper = SapiensAmpOptimWrapper(optimizer=make_optimizer(model))
    model.train_step(make_batches()[0], wrapper)
    state = wrapper.state_dict()
    assert state['loss_scaler'] == {}
    other = SapiensAmpOptimWrapper(optimizer=make_optimizer(Model()))
    other.load_state_dict(state)
    assert state.keys() == {'state', 'param_groups', 'loss_scaler'}  # left as it was
    for index, entry in wrapper.optimizer.state_dict()['state'].items():
        assert_same(other.optimizer.state_dict()['state'][index], entry)


@NEEDS_CPU
@pytest.mark.parametrize('dtype', ['float16', torch.float16])
def test_float16_on_a_cpu_is_refused(dtype):
    with pytest.raises(ValueError, match="on a CPU use dtype='bfloat16'"):
        SapiensAmpOptimWrapper(dtype=dtype, optimizer=make_optimizer(Model()))


@pytest.mark.parametrize(
    ('argument', 'message'),
    [
        (dict(dtype='bf16'), "dtype must be one of .* not 'bf16'"),
        (dict(dtype=None), 'dtype must be one of .* not None'),
        (dict(dtype=torch.float64), 'dtype must be one of'),
        (dict(loss_scale='static'), 'loss_scale must be .* not .static'),
        (dict(loss_scale=0), 'loss_scale must be .* not 0'),
    ],
)
def test_wrong_arguments_are_named(argument, message):
    with pytest.raises(ValueError, match=message):
        SapiensAmpOptimWrapper(optimizer=make_optimizer(Model()), **argument)


@pytest.mark.skipif(DEVICE == 'cpu', reason='float16 needs an accelerator')
def test_float16_scales_the_loss_on_an_accelerator():
    model = Model().to(DEVICE)
    wrapper = SapiensAmpOptimWrapper(
        dtype='float16', loss_scale=128.0, optimizer=make_optimizer(model)
    )
    for batch in make_batches():
        model.train_step({k: v.to(DEVICE) for k, v in batch.items()}, wrapper)
    assert wrapper.state_dict()['loss_scaler']['scale'] == 128.0
    assert model.seen == [torch.float16] * 4
    expected = train_by_hand(torch.float32)
    for key, value in model.state_dict().items():
        torch.testing.assert_close(value, expected[key], rtol=0, atol=0.02)


def test_config_finds_it_in_the_registry():
    config = dict(type=TYPE, optimizer=make_optimizer(Model()))
    assert type(OPTIM_WRAPPERS.build(config)) is SapiensAmpOptimWrapper


@NEEDS_CPU
def test_the_host_still_needs_this():
    """When this fails, delete ``SapiensAmpOptimWrapper``: the host has a CPU."""
    with pytest.raises(AssertionError, match='only available training on gpu'):
        AmpOptimWrapper(dtype='bfloat16', optimizer=make_optimizer(Model()))
