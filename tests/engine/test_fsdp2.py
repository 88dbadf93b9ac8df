"""Two sharded processes against one plain process and a hand-written loop."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from mmengine.dist import init_dist
from mmengine.runner.checkpoint import _load_checkpoint
from script_util import load_script
from sentences import says
from torch import nn

from sapiens_mm.engine import SapiensFSDP2Strategy
from sapiens_mm.engine.fsdp2 import MIN_TORCH_ON_CPU, find_blocks

REPOSITORY = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name('fsdp2_rank.py')
TIMEOUT_S = 240
NEEDS_CPU = pytest.mark.skipif(
    torch.cuda.is_available(), reason='about machines without an accelerator'
)

pair = load_script('tests/engine/fsdp2_rank.py')
Model, STEPS = pair.Model, pair.STEPS


@pytest.fixture(scope='module')
def by_hand():
    return pair.train_by_hand()


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Where the two processes and a plain run have left their files."""
    if torch.cuda.is_available():
        pytest.skip('set CUDA_VISIBLE_DEVICES= to run this on the CPU')
    if torch.__version__ < MIN_TORCH_ON_CPU:
        pytest.skip('this PyTorch shards on GPUs only')
    folder = tmp_path_factory.mktemp('fsdp2')
    pair.make_plain(folder / 'plain').train()
    environment = dict(
        os.environ,
        WORLD_SIZE='2',
        OMP_NUM_THREADS='1',
        PYTHONPATH=os.pathsep.join([str(REPOSITORY), os.environ.get('PYTHONPATH', '')]),
    )
    logs = [folder / f'rank{rank}.log' for rank in range(2)]
    processes = []
    for rank, log in enumerate(logs):
        environment |= dict(RANK=str(rank), LOCAL_RANK=str(rank))
        with log.open('w') as stream:
            processes.append(
                subprocess.Popen(
                    [sys.executable, str(SCRIPT), str(folder)],
                    env=environment,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                )
            )
    try:
        codes = [process.wait(TIMEOUT_S) for process in processes]
    except subprocess.TimeoutExpired:
        codes = ['timeout']
    finally:
        for process in processes:
            process.kill()
    if codes != [0, 0]:
        tails = '\n'.join(log.read_text()[-3000:] for log in logs)
        pytest.fail(f'exit codes {codes}\n{tails}')
    return folder


@pytest.fixture(scope='module')
def ranks(folder):
    return [
        torch.load(folder / f'rank{rank}.pth', weights_only=False) for rank in range(2)
    ]


def load(path):
    return torch.load(path, weights_only=False, map_location='cpu')


def assert_close(got, expected, atol=1e-5):
    assert list(got) == list(expected)
    for key in expected:
        torch.testing.assert_close(got[key], expected[key], rtol=0, atol=atol, msg=key)


def assert_identical(got, expected):
    assert_close(got, expected, atol=0)


@pytest.mark.parametrize('step', range(1, STEPS + 1))
def test_weights_equal_a_loop_written_by_hand(folder, by_hand, step):
    got = load(folder / f'whole/iter_{step}.pth')['state_dict']
    assert_close(got, by_hand[0][step])
    assert got['steps'] == step


def test_logged_gradient_norm_is_over_all_ranks(ranks, by_hand):
    for out in ranks:
        assert out['grad_norms'] == pytest.approx(by_hand[1], rel=1e-5)
    assert min(by_hand[1]) > 0.5  # every step was clipped


def test_parameters_are_spread(ranks):
    assert ranks[0]['backend'] == 'gloo'
    assert all(ranks[0]['spread'])
    assert ranks[0]['own'] == ['FSDPBlock'] * 3
    assert [out['local_rows'] for out in ranks] == [8, 7]  # of 15


def test_checkpoint_is_a_plain_one(folder):
    sharded, plain = (load(folder / n / 'iter_2.pth') for n in ('whole', 'plain'))
    assert sharded.keys() == plain.keys()
    model = Model()
    model.load_state_dict(sharded['state_dict'], strict=True)
    assert_identical(model.state_dict(), sharded['state_dict'])
    assert_close(sharded['state_dict'], plain['state_dict'])
    assert sharded['param_schedulers'] == plain['param_schedulers']
    for tensor in sharded['state_dict'].values():  # no shard's padding in the file
        assert tensor.untyped_storage().nbytes() == tensor.nbytes


def test_optimizer_state_is_a_plain_one(folder):
    sharded, plain = (
        load(folder / name / 'iter_2.pth')['optimizer'] for name in ('whole', 'plain')
    )
    assert sharded['param_groups'] == plain['param_groups']
    assert sharded.keys() == plain.keys()
    for index, entry in plain['state'].items():
        assert_close(sharded['state'][index], entry)


def test_whole_and_safe_checkpoint_is_read_by_mmengine(folder):
    got = _load_checkpoint(str(folder / 'whole/iter_4.pth'), map_location='cpu')
    expected = load(folder / 'whole/iter_4.pth')
    assert_identical(got['state_dict'], expected['state_dict'])
    assert got['meta']['iter'] == STEPS


def test_resumed_run_equals_the_uninterrupted_one(folder):
    whole = load(folder / 'whole/iter_4.pth')
    resumed = load(folder / 'from_own/iter_4.pth')
    assert_identical(resumed['state_dict'], whole['state_dict'])
    for index, entry in whole['optimizer']['state'].items():
        assert_identical(resumed['optimizer']['state'][index], entry)
    assert resumed['param_schedulers'] == whole['param_schedulers']
    assert not (folder / 'from_own/iter_2.pth').exists()


def test_sharded_run_resumes_a_plain_one(folder, by_hand):
    assert_close(load(folder / 'from_plain/iter_4.pth')['state_dict'], by_hand[0][4])


def test_plain_run_resumes_a_sharded_one(folder, by_hand):
    runner = pair.make_plain(
        folder / 'plain_from_sharded',
        load_from=str(folder / 'whole/iter_2.pth'),
        resume=True,
    )
    assert_close(runner.train().state_dict(), by_hand[0][4])


def test_saving_after_a_prediction(folder, ranks, by_hand):
    got, whole = (
        load(folder / 'after_prediction.pth'),
        load(folder / 'whole/iter_4.pth'),
    )
    assert_identical(got['state_dict'], whole['state_dict'])
    for index, entry in whole['optimizer']['state'].items():
        assert_identical(got['optimizer']['state'][index], entry)
    model = Model()
    model.load_state_dict(by_hand[0][4])
    expected = model(**pair.make_batch(0), mode='tensor')
    torch.testing.assert_close(ranks[1]['prediction'], expected, rtol=0, atol=1e-4)


def test_bad_input_raises_on_every_rank(ranks, folder):
    for out in ranks:
        assert out['strict'].startswith('RuntimeError')
        facts = ('missing: head.bias', 'unexpected: more', 'shape: head.weight')
        says(out['strict'], *facts)
        assert 'is for 1 parameters' in out['other_optimizer']
        assert out['other_optimizer'].startswith('ValueError')
        assert out['built_optimizer'].startswith('ValueError: optim_wrapper must be a')
        assert out['nan'] == 'RuntimeError: the gradient norm over all ranks is nan'
        assert 'no.pth can not be found' in out['no_file']
    assert ranks[0]['no_file'].startswith('FileNotFoundError')
    assert ranks[1]['no_file'].startswith('RuntimeError: rank 0 cannot read')


def test_weights_that_do_not_fit_keep_their_values(folder):
    got = load(folder / 'partly.pth')['state_dict']
    expected = load(folder / 'whole/iter_4.pth')['state_dict']
    expected['head.bias'] = torch.zeros(5)
    assert_identical(got, expected)
    assert 'unexpected: more' in (folder / 'rank0.log').read_text()
    assert 'unexpected: more' not in (folder / 'rank1.log').read_text()


@pytest.mark.parametrize('norm_type', [1.0, 2.0, float('inf')])
def test_clipping(ranks, norm_type):
    params = list(Model().parameters())
    for i, param in enumerate(params):
        param.grad = torch.arange(param.numel()).reshape(param.shape).sin() * (i + 1)
    expected = nn.utils.clip_grad_norm_(params, 0.5, norm_type)
    for out in ranks:
        norm, clipped = out[f'clip_{norm_type}']
        torch.testing.assert_close(norm, expected)
        for got, param in zip(clipped, params, strict=True):
            torch.testing.assert_close(got, param.grad)


def test_mixed_precision_computes_in_one_type_and_reduces_in_another(folder):
    """A step of a bfloat16 copy on each half, gradients averaged in float32."""
    weights = Model().state_dict()
    step = {key: torch.zeros(value.shape) for key, value in weights.items()}
    for rank in range(2):
        model = Model().bfloat16()
        model.scale = model.scale.float()  # FSDP2 leaves buffers alone
        batch = {key: value[rank::2] for key, value in pair.make_batch(0).items()}
        model(**{k: v.bfloat16() for k, v in batch.items()})['loss'].backward()
        for key, param in model.named_parameters():
            step[key] += param.grad.float() / 2
    got = load(folder / 'mixed/iter_1.pth')['state_dict']
    for key, _ in Model().named_parameters():
        expected = weights[key] - 0.5 * step[key]  # LinearLR starts at a half
        # sums of bfloat16 in LayerNorm depend on the number of threads
        atol = 1e-3 if 'norm' in key else 1e-6
        torch.testing.assert_close(got[key], expected, rtol=0, atol=atol, msg=key)


@pytest.mark.filterwarnings('ignore:Detected call of `scheduler.step')
def test_autocast_and_accumulation(folder):
    """Two half steps of bfloat16 autocast make one, as in a plain process."""
    wrapper = dict(
        type='sapiens_mm.SapiensAmpOptimWrapper',
        optimizer=dict(type='SGD', lr=0.5),
        accumulative_counts=2,
    )
    runner = pair.make_plain(folder / 'plain_amp', max_iters=2, optim_wrapper=wrapper)
    expected, start = runner.train().state_dict(), Model().state_dict()
    got = load(folder / 'amp/iter_2.pth')['state_dict']
    for key, value in expected.items():
        moved = (value - start[key]).float().norm()
        assert (got[key] - value).float().norm() <= 0.03 * moved, key
    assert_identical(
        load(folder / 'amp/iter_1.pth')['state_dict'] | {'steps': 0},
        start | {'steps': 0},
    )


@pytest.mark.parametrize(
    ('names', 'expected'),
    [
        (['backbone.layers'], ['layers.2', 'layers.1', 'layers.0']),
        (['Block'], ['layers.2', 'layers.1', 'layers.0']),
        (['backbone', 'backbone.layers.1'], ['layers.1', '']),
        (
            ['LayerNorm', 'backbone.layers.0'],
            ['layers.2.norm', 'layers.1.norm', 'layers.0.norm', 'layers.0'],
        ),
    ],
)
def test_blocks_are_found_from_the_inside_out(names, expected):
    model = Model()
    path_of = {module: name for name, module in model.backbone.named_modules()}
    assert [path_of[block] for block in find_blocks(model, names)] == expected


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(mixed_precision=dict(param_type='bfloat16')), 'its keys are param_dtype'),
        (dict(mixed_precision=dict(param_dtype='bf16')), "no attribute 'bf16'"),
        (dict(model_wrapper=dict(type='A')), 'model_wrapper is not for FSDP2'),
        (dict(env_kwargs=dict(launcher='none')), "launcher='pytorch'"),
    ],
)
def test_wrong_arguments_are_named(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        SapiensFSDP2Strategy(work_dir=str(tmp_path), **arguments)


def test_a_block_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="'backbone.blocks' is neither a class nor"):
        find_blocks(Model(), ['backbone.blocks'])


@NEEDS_CPU
def test_the_host_cannot_start_on_a_cpu(monkeypatch):
    """When this fails, ``_setup_distributed`` of the strategy may go."""
    for key in ('RANK', 'LOCAL_RANK'):
        monkeypatch.setenv(key, '0')
    with pytest.raises((RuntimeError, AssertionError, AttributeError)):
        init_dist('pytorch', backend='gloo')  # torch.cuda.set_device
    assert not dist.is_initialized()


def test_the_host_cannot_shard_on_a_cpu(ranks):
    """When this is skipped, the host's strategy works here and ours may go."""
    if ranks[0]['host'] == 'no error':
        pytest.skip("mmengine's FSDPStrategy shards on this machine")
    for out in ranks:
        assert re.search('NVIDIA|CUDA|cuda|accelerator', out['host'])
