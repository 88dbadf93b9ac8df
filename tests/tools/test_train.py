"""sapiens train and sapiens test as users run them, on drawn people."""

import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_runs import pose_config, write_people

pytest.importorskip('mmpose')

TOOLS = Path(__file__).resolve().parents[2] / 'tools'
# a folder with test_coco.json, test_coco_wholebody.json and their images, if at hand
COCO_SAMPLE = os.environ.get('SAPIENS_MM_COCO_SAMPLE')
TINY = dict(input_hw=(64, 48), width=32, depth=1)


def command(tool, config, *argv):
    return [sys.executable, str(TOOLS / tool), str(config), *map(str, argv)]


def environ(**changes):
    path = os.pathsep.join(
        [str(Path(__file__).parents[1]), os.environ.get('PYTHONPATH', '')]
    )
    return {**os.environ, 'PYTHONPATH': path, **changes}


def run(tool, config, *argv, cwd):
    result = subprocess.run(
        command(tool, config, *argv),
        cwd=cwd,
        env=environ(),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return result.stdout + result.stderr


def write(cfg, path):
    cfg.dump(path)
    return path


def weights(path):
    return torch.load(path, weights_only=True)['state_dict']


def assert_same(a, b, **tolerance):
    assert a.keys() == b.keys()
    for key in a:
        torch.testing.assert_close(a[key], b[key], **tolerance, msg=key)


@pytest.mark.slow
@pytest.mark.parametrize('num_keypoints', [17, 133])
@pytest.mark.parametrize('source', ['drawn', 'coco'])
def test_overfit(tmp_path, num_keypoints, source):
    """A tiny model learns a handful of people by heart: AP above 0.9."""
    if source == 'drawn':
        ann_file = write_people(tmp_path / 'data', 6, num_keypoints)
    elif COCO_SAMPLE is None:
        pytest.skip('SAPIENS_MM_COCO_SAMPLE names no folder with COCO images')
    else:
        name = {17: 'test_coco.json', 133: 'test_coco_wholebody.json'}[num_keypoints]
        ann_file = Path(COCO_SAMPLE) / name
    size = {
        17: dict(input_hw=(192, 144), width=96, epochs=120, batch_size=14),
        133: dict(input_hw=(320, 240), width=128, epochs=220, batch_size=7),
    }[num_keypoints]
    if source == 'drawn':
        size['batch_size'] //= 2  # fewer people, as many steps
    cfg = pose_config(ann_file, num_keypoints, depth=2, lr=2e-3, **size)
    cfg.default_hooks.logger.interval = 20
    config = write(cfg, tmp_path / 'overfit.py')
    run('train.py', config, '--work-dir', tmp_path / 'work', cwd=tmp_path)
    out = tmp_path / 'figures.pkl'
    checkpoint = tmp_path / f'work/epoch_{size["epochs"]}.pth'
    run('test.py', config, checkpoint, '--out', out, cwd=tmp_path)
    figures = pickle.loads(out.read_bytes())
    prefix = {17: 'coco', 133: 'coco-wholebody'}[num_keypoints]
    assert figures[f'{prefix}/AP'] > 0.9, figures


@pytest.mark.slow
def test_killed_run_resumes_to_the_same_weights(tmp_path):
    """SIGKILL in the middle of an epoch, with augmentation and loader processes."""
    ann_file = write_people(tmp_path / 'data', 8)
    cfg = pose_config(ann_file, epochs=4, batch_size=2, augment=True, **TINY)
    cfg.train_dataloader.num_workers = 2
    cfg.model.backbone.drop_path_rate = 0.2
    cfg.default_hooks.checkpoint.interval = 1
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    config = write(cfg, tmp_path / 'run.py')
    run('train.py', config, '--work-dir', tmp_path / 'whole', cwd=tmp_path)

    killed = tmp_path / 'killed'
    log = (tmp_path / 'log').open('w')
    process = subprocess.Popen(
        command('train.py', config, '--work-dir', killed),
        cwd=tmp_path,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        deadline = time.time() + 120
        # the second epoch is over: the third is under way
        while 'Epoch(train) [3][2/4]' not in (tmp_path / 'log').read_text():
            assert time.time() < deadline and process.poll() is None
            time.sleep(0.01)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert (killed / 'epoch_2.pth').is_file()
    assert not (killed / 'epoch_3.pth').exists()
    output = run('train.py', config, '--work-dir', killed, '--resume', cwd=tmp_path)
    assert 'epoch_2.pth' in output
    assert 'Epoch(train) [2]' not in output
    assert_same(
        weights(tmp_path / 'whole/epoch_4.pth'),
        weights(killed / 'epoch_4.pth'),
        rtol=0,
        atol=0,
    )


def test_308_keypoints_train_and_test(tmp_path):
    """The shipped Goliath config, shrunk: two steps, evaluation, figures by part."""
    ann_file = write_people(tmp_path / 'data', 2, 308)
    cfg = pose_config(ann_file, 308, epochs=2, batch_size=2, **TINY)
    cfg.default_hooks.checkpoint.by_epoch = True
    config = write(cfg, tmp_path / 'run.py')
    shown = run('train.py', config, '--work-dir', tmp_path / 'work', cwd=tmp_path)
    assert 'goliath/face_AP' in shown
    out = tmp_path / 'figures.pkl'
    checkpoint = tmp_path / 'work/epoch_2.pth'
    look = tmp_path / 'look'
    run('test.py', config, checkpoint, '--out', out, '--show-dir', look, cwd=tmp_path)
    assert len(list(look.glob('*.jpg'))) == 2
    figures = pickle.loads(out.read_bytes())
    assert 0 <= figures['goliath/AP'] <= 1
    assert {f'goliath/{p}_AP' for p in ('body', 'foot', 'face', 'hand')} <= set(figures)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which('g++') is None, reason='no C++ compiler')
def test_compiled_training_equals_plain_training(tmp_path):
    ann_file = write_people(tmp_path / 'data', 4)
    cfg = pose_config(ann_file, epochs=3, **TINY)
    cfg.custom_imports = dict(imports=['tiny_runs'])
    cfg.custom_hooks = [*cfg.custom_hooks, dict(type='LossDump')]
    config = write(cfg, tmp_path / 'run.py')
    ends = []
    for name, argv in (('plain', ()), ('compiled', ('--compile',))):
        work = tmp_path / name
        run('train.py', config, '--work-dir', work, *argv, cwd=tmp_path)
        losses = np.loadtxt(work / 'losses_0.txt')
        ends.append((losses, weights(work / 'epoch_3.pth')))
    np.testing.assert_allclose(ends[1][0], ends[0][0], rtol=1e-3)
    assert ends[0][1].keys() == ends[1][1].keys()


@pytest.mark.slow
@pytest.mark.parametrize('options', [(), ('--compile',)])
def test_two_processes_equal_one_with_twice_the_batch(tmp_path, free_port, options):
    """Same loss curve and weights, with gloo; the head's norms know no batch."""
    if options and shutil.which('g++') is None:
        pytest.skip('no C++ compiler')
    ann_file = write_people(tmp_path / 'data', 8)
    curves, ends = [], []
    for processes in (1, 2):
        work = tmp_path / f'work{processes}'
        cfg = pose_config(ann_file, epochs=3, batch_size=4 // processes, **TINY)
        # the ranks share out an epoch in turns: in order, batches hold the same people
        cfg.train_dataloader.sampler.shuffle = False
        cfg.custom_imports = dict(imports=['tiny_runs'], allow_failed_imports=False)
        cfg.custom_hooks.append(dict(type='LossDump', _scope_='mmengine'))
        work.mkdir()
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        config = write(cfg, tmp_path / f'run{processes}.py')
        if processes == 1:
            run('train.py', config, '--work-dir', work, cwd=tmp_path)
        else:
            launch = [sys.executable, '-m', 'torch.distributed.run']
            launch += ['--nproc_per_node=2', f'--master_port={free_port}']
            argv = command('train.py', config, '--work-dir', work)[1:]
            result = subprocess.run(
                [*launch, *argv, *options, '--launcher', 'pytorch'],
                cwd=tmp_path,
                env=environ(OMP_NUM_THREADS='1'),
                capture_output=True,
                text=True,
            )
            assert result.returncode == 0, result.stderr[-3000:]
        ends.append(weights(work / 'epoch_3.pth'))
        ranks = [np.loadtxt(work / f'losses_{rank}.txt') for rank in range(processes)]
        curves.append(np.mean(ranks, axis=0))
    assert len(curves[0]) == 6 and curves[0][-1] < curves[0][0]
    np.testing.assert_allclose(curves[1], curves[0], rtol=1e-4)
    for end in ends:
        # before an InstanceNorm a bias does nothing: its gradient is rounding alone,
        # which Adam makes steps of full size
        for key in [k for k in end if re.match(r'head\.conv_layers\.\d+\.bias', k)]:
            del end[key]
    assert_same(*ends, rtol=1e-3, atol=2e-5)


def test_wrong_calls_are_one_sentence(sapiens, tmp_path):
    ann_file = write_people(tmp_path / 'data', 2)
    config = write(pose_config(ann_file, **TINY), tmp_path / 'run.py')
    encoder = 'mae/sapiens_0.3b_humans-1024x1024'
    other = tmp_path / 'other.pth'
    torch.save({'state_dict': {'weight': torch.zeros(1)}}, other)
    for argv, match in [
        (('train', 'pose/sapiens_0.3b_coco71-1024x768'), 'did you mean'),
        (('test', config, tmp_path / 'none.pth'), 'none.pth'),
        (('test', config, other), 'other.pth'),
        (('test', encoder, other), 'has no test_dataloader'),
        (('test', config, other, '--out', 'a.json'), '--out must end in .pkl'),
    ]:
        last = sapiens(*argv, code=2).strip().splitlines()[-1]
        assert last.startswith('error: ') and match in last


@pytest.mark.parametrize('fault', ['length', 'image', 'duplicate'])
def test_wrong_annotations_are_named_at_the_start(sapiens, tmp_path, fault):
    ann_file = write_people(tmp_path / 'data', 3)
    content = json.loads(ann_file.read_text())
    if fault == 'length':  # mmpose itself fails on it while it builds the data set
        content['annotations'][1]['keypoints'].pop()
    elif fault == 'image':
        (tmp_path / 'data' / content['images'][1]['file_name']).unlink()
    else:
        content['annotations'][1]['id'] = content['annotations'][0]['id']
    ann_file.write_text(json.dumps(content))
    config = write(pose_config(ann_file, **TINY), tmp_path / 'run.py')
    shown = sapiens('train', config, '--work-dir', tmp_path / 'work', code=2)
    last = shown.strip().splitlines()[-1]
    assert last.startswith('error:') and str(ann_file) in last
    named = content['images'][1]['file_name'] if fault == 'image' else ' 1'
    if fault == 'length':
        named = ' 2'
    assert named in last


def test_print_config(sapiens):
    name = 'pose/sapiens_1b_goliath308-1024x768'
    result = subprocess.run(
        command('print_config.py', name, '--cfg-options', 'train_cfg.max_epochs=3'),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "arch='sapiens_1b'" in result.stdout and 'max_epochs=3' in result.stdout
    assert name in sapiens('config', '--list').split()
