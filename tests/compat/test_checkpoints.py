"""Checkpoints that mmengine wrote load again, and pickles that run code do not."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

from sapiens_mm.checkpoints import write_checkpoint
from sapiens_mm.compat import checkpoints

pytest.importorskip('mmengine')

RUN = """
import sys
import sapiens_mm
import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, METRICS, MODELS
from mmengine.runner import Runner

@MODELS.register_module()
class Line(BaseModel):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        output = self.layer(torch.stack(inputs))
        return dict(loss=output.square().mean()) if mode == 'loss' else [output]

@DATASETS.register_module()
class Points(torch.utils.data.Dataset):
    metainfo = dict(
        classes=('person',), sigmas=np.full(3, 0.1, np.float32),
        colors=np.zeros((2, 3), np.uint8), names=np.array(['a', 'bc']),
        count=np.int64(3), flags=np.array([True]), ratio=np.float64(0.5), kinds={'a'},
    )
    def __len__(self):
        return 4
    def __getitem__(self, i):
        return dict(inputs=torch.tensor([i, 1.0]))

@METRICS.register_module()
class Score(BaseMetric):
    def process(self, data_batch, data_samples):
        self.results.append(1)
    def compute_metrics(self, results):
        return dict(AP=np.float32(0.25), note='text')

def loader(shuffle):
    sampler = dict(type='DefaultSampler', shuffle=shuffle)
    return dict(batch_size=2, num_workers=0, dataset=dict(type='Points'),
                sampler=sampler)

folder, checkpoint = sys.argv[1], (sys.argv[2:] or [None])[0]
runner = Runner(
    model=dict(type='Line'), work_dir=folder, load_from=checkpoint,
    resume=checkpoint is not None,
    train_dataloader=loader(True), val_dataloader=loader(False),
    train_cfg=dict(by_epoch=True, max_epochs=2), val_cfg=dict(),
    val_evaluator=dict(type='Score'),
    optim_wrapper=dict(optimizer=dict(type='AdamW', lr=0.01)),
    param_scheduler=[
        dict(type='LinearLR', start_factor=0.1, end=4, by_epoch=False),
        dict(type='MultiStepLR', milestones=[1, 2]),
        dict(type='OneCycleLR', eta_max=0.02, total_steps=9),
    ],
    default_hooks=dict(
        checkpoint=dict(
            type='CheckpointHook', interval=1, save_best='AP', rule='greater'
        )
    ),
    custom_hooks=[dict(type='EMAHook')], log_level='WARNING', randomness=dict(seed=1),
    experiment_name=str(checkpoint),
)
runner.train()
"""


def test_a_run_resumes(run_python, tmp_path):
    straight = run_python(RUN, tmp_path / 'straight')
    assert straight.returncode == 0, straight.stderr
    middle = tmp_path / 'straight' / 'epoch_1.pth'
    refused = run_python(RUN, tmp_path / 'resumed', middle, disable='checkpoints')
    assert 'Weights only load failed' in refused.stderr
    resumed = run_python(RUN, tmp_path / 'resumed', middle)
    assert resumed.returncode == 0, resumed.stderr

    checkpoints.allow()
    once, twice = (
        torch.load(tmp_path / folder / 'epoch_2.pth')
        for folder in ('straight', 'resumed')
    )
    torch.testing.assert_close(twice['state_dict'], once['state_dict'], rtol=0, atol=0)
    torch.testing.assert_close(twice['optimizer'], once['optimizer'], rtol=0, atol=0)
    assert twice['param_schedulers'] == once['param_schedulers']
    losses = [c['message_hub']['log_scalars']['train/loss'].data for c in (once, twice)]
    np.testing.assert_array_equal(*losses)
    assert losses[0][0].shape == (4,)
    assert twice['message_hub']['runtime_info']['best_score'] == 0.25
    meta = twice['meta']['dataset_meta']
    np.testing.assert_array_equal(meta['sigmas'], np.full(3, 0.1, np.float32))
    assert meta['names'].tolist() == ['a', 'bc']
    assert meta['kinds'] == {'a'}
    assert isinstance(meta['count'], np.int64) and meta['count'] == 3


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_a_run_starts_from_bare_weights(run_python, tmp_path, suffix):
    weights = {'layer.weight': torch.full((1, 2), 3.0), 'layer.bias': torch.ones(1)}
    path = tmp_path / f'weights{suffix}'
    if suffix == '.pth':
        torch.save(weights, path)
    else:
        write_checkpoint(path, weights, {})
    # drawn at random they would be below 0.8
    script = RUN.replace('resume=checkpoint is not None', 'resume=False')
    done = run_python(script, tmp_path / 'run', path)
    assert done.returncode == 0, done.stderr
    checkpoints.allow()
    trained = torch.load(tmp_path / 'run' / 'epoch_2.pth')
    for name in ('state_dict', 'ema_state_dict'):
        kept = {key.removeprefix('module.'): v for key, v in trained[name].items()}
        for key, value in weights.items():
            torch.testing.assert_close(kept[key], value, rtol=0, atol=0.2)
    if suffix == '.pth':
        refused = run_python(script, tmp_path / 'host', path, disable='checkpoints')
        assert "KeyError: 'state_dict'" in refused.stderr


def save(value):
    buffer = io.BytesIO()
    torch.save(value, buffer)
    buffer.seek(0)
    return buffer


def test_other_objects_of_mmengine_survive():
    from mmengine.config import ConfigDict
    from mmengine.logging import MessageHub

    checkpoints.allow()
    hub = MessageHub.get_instance('test_other_objects_of_mmengine_survive')
    hub.update_scalar('train/loss', 0.5)
    hub.update_info('iter', 3)
    loaded = torch.load(save({'hub': hub, 'config': ConfigDict(a=dict(b=(1, 2)))}))
    assert loaded['hub'].get_scalar('train/loss').current() == 0.5
    assert loaded['hub'].get_info('iter') == 3
    assert loaded['config'].a.b == (1, 2)


@pytest.mark.parametrize('core', ['core', '_core'])
def test_arrays_of_numpy_1_and_2(core):
    checkpoints.allow()
    value = {'array': np.arange(3.0), 'scalar': np.float32(0.5)}
    renamed = io.BytesIO()
    source = zipfile.ZipFile(save(value))
    with zipfile.ZipFile(renamed, 'w') as target:
        for name in source.namelist():
            data = source.read(name).replace(b'numpy._core.', b'numpy.core.')
            data = data.replace(b'numpy.core.', f'numpy.{core}.'.encode())
            target.writestr(name, data)
    renamed.seek(0)
    loaded = torch.load(renamed)
    assert loaded['array'].tolist() == [0, 1, 2]
    assert loaded['scalar'] == np.float32(0.5)


class Harmful:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    'harmful',
    [
        Harmful(os.system, 'touch harmed'),
        Harmful(exec, 'open("harmed", "w")'),
        Harmful(getattr, nn.Linear, 'forward'),
        Harmful(pickle.loads, b'cos\nsystem\n(S"touch harmed"\ntR.'),
        Harmful(np.load, 'harmed'),
    ],
)
def test_code_is_refused(harmful, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    checkpoints.allow()
    with pytest.raises(pickle.UnpicklingError, match='Weights only load failed'):
        torch.load(save({'state_dict': {}, 'meta': harmful}))
    assert not (tmp_path / 'harmed').exists()


def test_only_the_listed_methods_are_read():
    from mmengine.logging import HistoryBuffer

    checkpoints.allow()
    assert torch.load(save(HistoryBuffer.mean)) is HistoryBuffer.mean
    for name in ('__init__', 'register_statistics', '__class__'):
        reads = Harmful(getattr, HistoryBuffer, name)
        with pytest.raises(pickle.UnpicklingError, match='may not read'):
            torch.load(save(reads))


def test_stands_aside_before_torch_2_4(monkeypatch):
    monkeypatch.delattr(torch.serialization, 'add_safe_globals')
    assert checkpoints._describe().startswith('stands aside')
    checkpoints.allow()  # does nothing, harms nothing


def test_waits_for_torch(run_python):
    code = 'import sys, sapiens_mm, mmengine\nprint("torch" in sys.modules)'
    assert run_python(code).stdout == 'False\n'
