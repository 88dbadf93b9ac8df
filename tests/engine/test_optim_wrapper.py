"""Steps on NaN and Inf: skipped on all ranks, counted, and one day the last."""

import copy
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper
from mmengine.registry import OPTIM_WRAPPERS
from script_util import load_script
from torch import nn

from sapiens_mm.engine import SapiensAmpOptimWrapper, SapiensOptimWrapper, optim_wrapper
from sapiens_mm.engine.fsdp2 import MIN_TORCH_ON_CPU

REPOSITORY = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name('optim_wrapper_rank.py')
TIMEOUT_S = 120
NAN, INF = float('nan'), float('inf')
WRAPPERS = {
    'plain': (SapiensOptimWrapper, {}),
    'bfloat16': (SapiensAmpOptimWrapper, dict(dtype='bfloat16')),
    'float32': (SapiensAmpOptimWrapper, dict(dtype='float32')),
}

pair = load_script('tests/engine/optim_wrapper_rank.py')
Model, make_batches, make_optimizer = pair.Model, pair.make_batches, pair.make_optimizer
spoil, snapshot = pair.spoil, pair.snapshot
pytestmark = pytest.mark.skipif(
    torch.cuda.is_available(), reason='set CUDA_VISIBLE_DEVICES= to run this on the CPU'
)


@pytest.fixture(autouse=True)
def hub(request):
    """A message hub of the test's own."""
    return MessageHub.get_instance(request.node.name)


def make(kind='plain', **kwargs):
    cls, options = WRAPPERS[kind]
    model = Model()
    return model, cls(optimizer=make_optimizer(model), **options, **kwargs)


def train(model, wrapper, batches):
    for batch in batches:
        model.train_step(batch, wrapper)
    return snapshot(model, wrapper)


def assert_same(got, expected):
    """Compare two snapshots to the last bit."""
    assert got['weights'].keys() == expected['weights'].keys()
    for key, value in expected['weights'].items():
        assert torch.equal(got['weights'][key], value), key
    assert got['state'].keys() == expected['state'].keys()
    for index, entry in expected['state'].items():
        for key, value in entry.items():
            assert torch.equal(got['state'][index][key], value), (index, key)


# ------------------------------------------------------------------ one process


@pytest.mark.parametrize('value', [NAN, INF, -INF])
@pytest.mark.parametrize(('accumulate', 'clip'), [(1, None), (1, 0.1), (2, 0.1)])
@pytest.mark.parametrize('kind', WRAPPERS)
def test_a_bad_batch_leaves_no_trace(kind, accumulate, clip, value, hub):
    options = dict(accumulative_counts=accumulate)
    if clip:
        options['clip_grad'] = dict(max_norm=clip)
    good = make_batches()
    expected = train(*make(kind, **copy.deepcopy(options)), good)

    model, wrapper = make(kind, **options)
    before = train(model, wrapper, good[:2])
    bad = [spoil(good[0], value), *good[1:accumulate]]
    after = train(model, wrapper, bad)
    assert_same(after, before)
    assert all(param.grad is None for param in model.parameters())
    assert_same(train(model, wrapper, good[2:]), expected)
    assert wrapper.grad_guard.state_dict() == dict(total=1, in_a_row=0)
    assert hub.get_scalar('train/skipped_steps').current() == 1
    if clip:  # no bad norm in the log
        norms = hub.get_scalar('train/grad_norm').data[0]
        assert torch.isfinite(torch.tensor(norms)).all()


def test_the_host_steps_on_nan():
    """Guards the test above: there is something to prevent."""
    model = Model()
    wrapper = OptimWrapper(make_optimizer(model), clip_grad=dict(max_norm=0.1))
    model.train_step(spoil(make_batches()[0]), wrapper)
    assert all(param.isnan().all() for param in model.parameters())


def test_a_bad_first_step_creates_no_state():
    model, wrapper = make()
    assert train(model, wrapper, [spoil(make_batches()[0])])['state'] == {}


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_one_bad_entry_is_found_and_large_numbers_are_not_bad(dtype, hub):
    params = [nn.Parameter(torch.zeros(5, 7, dtype=dtype)) for _ in range(3)]
    params.append(nn.Parameter(torch.zeros(0)))  # as a rank without a row has it
    unused = nn.Parameter(torch.zeros(2))
    guard = optim_wrapper.GradGuard(max_consecutive=100)
    for value in (NAN, INF, -INF):
        for index in range(3):
            for param in params:
                param.grad = torch.full_like(param, -3e38)  # their norm overflows
            assert guard.admits([*params, unused], hub)
            params[index].grad[4, index] = value
            assert not guard.admits([*params, unused], hub)
    assert guard.total == 9
    assert guard.admits([unused], hub)


@pytest.mark.parametrize('kind', WRAPPERS)
def test_zeroing_equals_a_loop_written_by_hand(kind, hub):
    def poison(model):
        model.layers[0].bias.grad[3] = NAN
        model.layers[2].weight.grad[1, :5] = torch.tensor([INF, -INF, NAN, 1e3, -2])

    model, wrapper = make(
        kind, grad_guard=dict(mode='zero'), clip_grad=dict(max_norm=0.5)
    )
    other = Model()
    optimizer = make_optimizer(other)
    bfloat16 = kind == 'bfloat16'
    for i, batch in enumerate(make_batches()):
        with wrapper.optim_context(model):
            loss = model(**batch)['loss']
        wrapper.backward(loss)
        with torch.autocast('cpu', torch.bfloat16, enabled=bfloat16):
            loss = other(**batch)['loss']
        loss.backward()
        if i in (1, 4):
            poison(model)
            poison(other)
        for param in other.parameters():
            param.grad[~param.grad.isfinite()] = 0
        nn.utils.clip_grad_norm_(other.parameters(), 0.5)
        for stepping in (wrapper, optimizer):
            stepping.step()
            stepping.zero_grad()
    expected = dict(weights=other.state_dict(), state=optimizer.state_dict()['state'])
    assert_same(snapshot(model, wrapper), expected)
    assert wrapper.grad_guard.total == 2
    assert hub.get_scalar('train/zeroed_steps').current() == 2


@pytest.mark.parametrize('mode', ['skip', 'zero'])
def test_training_stops_after_so_many_in_a_row(mode, hub):
    good = make_batches()
    bad = spoil(good[0])
    options = dict(mode=mode, max_consecutive=3)
    model, wrapper = make(grad_guard=options)
    wrapper.initialize_count_status(model, 0, -1)
    # a good step in between starts the count again
    before = train(model, wrapper, [good[0], bad, bad, good[1], bad, bad])
    with pytest.raises(FloatingPointError) as caught:
        model.train_step(bad, wrapper)
    assert re.match(
        r'NaN or Inf in gradients of 4 of 4 parameters \(layers.0.weight, '
        r'layers.0.bias, layers.2.weight, …\), in 3 steps in a row '
        r'\(max_consecutive\), 5 in all; training stops before this step',
        str(caught.value),
    )
    assert_same(snapshot(model, wrapper), before)


def test_warning_names_parameters_and_counts(monkeypatch):
    lines = []
    monkeypatch.setattr(
        optim_wrapper, 'print_log', lambda text, **_: lines.append(text)
    )
    model, wrapper = make()
    wrapper.initialize_count_status(nn.ModuleDict(dict(module=model)), 0, -1)
    for batch in make_batches(2):
        pair.step_by_hand(model, wrapper, batch, pair.poison_one_entry)
    start = 'NaN or Inf in gradients of 1 of 4 parameters (layers.2.weight): step'
    assert lines == [
        f'{start} skipped, 1 in a row, 1 in all',
        f'{start} skipped, 2 in a row, 2 in all',
    ]


@pytest.mark.parametrize('kind', WRAPPERS)
def test_counters_are_saved_and_the_hosts_load_them(kind):
    good = make_batches()
    model, wrapper = make(kind)
    train(model, wrapper, good[:1])
    assert 'grad_guard' not in wrapper.state_dict()  # the host's own file
    train(model, wrapper, [spoil(good[0])] * 2)
    state = wrapper.state_dict()
    assert state['grad_guard'] == dict(total=2, in_a_row=2)

    other_model, other = make(kind, grad_guard=dict(max_consecutive=3))
    other.load_state_dict(copy.deepcopy(state))
    with pytest.raises(FloatingPointError, match='3 steps in a row .* 3 in all'):
        other_model.train_step(spoil(good[0]), other)
    other.load_state_dict({k: v for k, v in state.items() if k != 'grad_guard'})
    assert other.grad_guard.state_dict() == dict(total=0, in_a_row=0)

    host = OptimWrapper(make_optimizer(Model()))
    host.load_state_dict(copy.deepcopy(state))
    moments = host.optimizer.state_dict()['state'][0]['exp_avg']
    assert torch.equal(moments, state['state'][0]['exp_avg'])


@pytest.mark.parametrize('fixed', [None, 128.0])
def test_a_loss_scale_that_overflows_falls(fixed):
    """As in float16, which a CPU does not train."""
    model, wrapper = make('float32', clip_grad=dict(max_norm=0.1))
    wrapper.loss_scaler = torch.amp.GradScaler('cpu', init_scale=128.0)
    wrapper._scale_update_param = fixed
    good = make_batches()
    before = train(model, wrapper, good[:2])
    assert_same(train(model, wrapper, [spoil(good[2], INF)]), before)
    assert wrapper.loss_scaler.get_scale() == (fixed or 64.0)
    got = train(model, wrapper, good[2:])
    assert got['total'] == 1
    expected = train(*make('float32', clip_grad=dict(max_norm=0.1)), good)
    for key, value in expected['weights'].items():
        torch.testing.assert_close(got['weights'][key], value, msg=key)


@pytest.mark.parametrize(
    ('options', 'error', 'message'),
    [
        (dict(mode='zeros'), ValueError, "mode must be one of skip, zero, not 'zeros'"),
        (dict(max_consecutive=0), ValueError, 'must be an integer above 0, not 0'),
        (dict(max_consecutive=2.0), ValueError, 'integer above 0, not 2.0'),
        (dict(max_consecutive=None), ValueError, 'integer above 0, not None'),
        (dict(max_in_a_row=3), TypeError, 'max_in_a_row'),
    ],
)
@pytest.mark.parametrize('kind', ['plain', 'bfloat16'])
def test_wrong_arguments_are_named(kind, options, error, message):
    with pytest.raises(error, match=message):
        make(kind, grad_guard=options)


def test_zeroing_in_float16_is_refused(monkeypatch):
    monkeypatch.setattr('sapiens_mm.engine.amp.get_device', lambda: 'cuda')
    with pytest.raises(ValueError, match="mode='zero' is not for float16"):
        SapiensAmpOptimWrapper(
            dtype='float16',
            optimizer=make_optimizer(Model()),
            grad_guard=dict(mode='zero'),
        )


def test_config_finds_it_in_the_registry():
    cfg = dict(type='sapiens_mm.SapiensOptimWrapper', optimizer=make_optimizer(Model()))
    assert type(OPTIM_WRAPPERS.build(cfg)) is SapiensOptimWrapper


def test_runner_logs_the_count_and_resumes_with_it(tmp_path):
    batches = make_batches()
    batches[1], batches[2], batches[4] = (spoil(batches[i]) for i in (1, 2, 4))
    data = [{k: v[i] for k, v in b.items()} for b in batches for i in range(2)]
    whole = pair.make_runner(tmp_path / 'whole', data, 5)
    whole.train()
    assert whole.optim_wrapper.grad_guard.state_dict() == dict(total=3, in_a_row=1)
    log = next((tmp_path / 'whole').glob('*/*.log')).read_text()
    assert 'layers.0.weight, layers.0.bias' in log
    counts = dict(re.findall(r'\[(\d)/6\].*skipped_steps: (\d)', log))
    assert counts == {'2': '1', '3': '2', '4': '2', '5': '3'}

    saved = str(tmp_path / 'whole/iter_3.pth')
    checkpoint = torch.load(saved, weights_only=False)
    assert checkpoint['optimizer']['grad_guard'] == dict(total=2, in_a_row=2)
    rest = pair.make_runner(tmp_path / 'rest', data, 5, load_from=saved, resume=True)
    rest.train()
    assert rest.optim_wrapper.grad_guard.state_dict() == dict(total=3, in_a_row=1)
    assert rest.message_hub.get_scalar('train/skipped_steps').current() == 3
    got = snapshot(rest.model, rest.optim_wrapper)
    assert_same(got, snapshot(whole.model, whole.optim_wrapper))
    clip = dict(max_norm=0.1)
    assert_same(got, train(*make(clip_grad=clip), [batches[0], batches[3]]))


# ---------------------------------------------------------------- two processes


@pytest.fixture(scope='module')
def ranks(tmp_path_factory):
    """What the two processes have found."""
    folder = tmp_path_factory.mktemp('guard')
    path = os.pathsep.join([str(REPOSITORY), os.environ.get('PYTHONPATH', '')])
    processes = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), str(folder)],
            env=os.environ | dict(RANK=rank, OMP_NUM_THREADS='1', PYTHONPATH=path),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in '01'
    ]
    try:
        outputs = [process.communicate(timeout=TIMEOUT_S)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    codes = [process.returncode for process in processes]
    assert codes == [0, 0], '\n'.join(output[-3000:] for output in outputs)
    return [
        torch.load(folder / f'rank{rank}.pth', weights_only=False) for rank in range(2)
    ]


NEEDS_SHARDING = pytest.mark.skipif(
    torch.__version__ < MIN_TORCH_ON_CPU, reason='this PyTorch shards on GPUs only'
)


def test_one_bad_rank_makes_both_skip(ranks):
    good = make_batches()
    expected = train(*make(), [*good[:2], *good[4:]])
    for out in ranks:
        steps = out['copies']
        assert [step['total'] for step in steps] == [0, 0, 1, 2, 2, 2]
        assert_same(steps[2], steps[1])
        assert_same(steps[3], steps[1])
        assert_same(steps[5], expected)


def test_a_good_step_costs_one_all_reduce(ranks):
    for out in ranks:
        assert [step['calls'] for step in out['copies']] == [1, 1, 2, 2, 1, 1]


def test_both_ranks_stop_together_and_name_the_parameter(ranks):
    for out in ranks:
        assert out['stop']['same']
        assert out['stop']['error'].startswith(
            'NaN or Inf in gradients of 1 of 4 parameters (layers.2.weight), in 2 '
            'steps in a row'
        )


def test_data_parallel_with_accumulation(ranks):
    for out in ranks:
        assert out['parallel_bad']['total'] == 1
        assert out['parallel_good']['total'] == 0
        assert_same(out['parallel_bad'], out['parallel_good'])
        assert_same(out['parallel_bad'], ranks[0]['parallel_good'])


@NEEDS_SHARDING
def test_sharded_gradients(ranks):
    for out in ranks:
        good, bad = out['sharded_good'], out['sharded_bad']
        assert (good['total'], bad['total']) == (0, 1)
        assert bad['norms'] == good['norms']
        assert len(good['norms']) == 6
        if good['state'] is None:  # gathered on rank 0
            good, bad = good | dict(state={}), bad | dict(state={})
        assert_same(bad, good)
    # and these are the steps of a model in one piece
    model, wrapper = make('float32', clip_grad=dict(max_norm=0.1))
    expected = train(model, wrapper, make_batches())
    for key, value in expected['weights'].items():
        torch.testing.assert_close(
            ranks[0]['sharded_bad']['weights'][key], value, msg=key
        )


@NEEDS_SHARDING
def test_sharded_checkpoint_keeps_the_counters(ranks):
    for out in ranks:
        assert out['sharded_bad']['loaded'] == dict(total=1, in_a_row=0)
        assert out['sharded_good']['loaded'] == dict(total=0, in_a_row=0)


@NEEDS_SHARDING
def test_loss_scale_falls_on_both_ranks(ranks):
    for out in ranks:
        assert out['sharded_scaled']['scale'] == 32.0
        for key, value in out['sharded_good']['weights'].items():
            torch.testing.assert_close(
                out['sharded_scaled']['weights'][key], value, msg=key
            )
