"""Metrics of the hosts that ask numpy for what it no longer has."""

import importlib
import json

import numpy as np
import pytest
import torch

from sapiens_mm.compat import numpy_names, ragged, views


def test_retrieval_metrics_of_mmpretrain():
    metrics = pytest.importorskip('mmpretrain.evaluation.metrics.retrieval')
    pred = [torch.tensor([3, 1, 0, 2]), torch.tensor([0, 1, 2, 3])]  # best first
    target = [torch.tensor([1, 2]), torch.tensor([0])]
    options = dict(pred_indices=True, target_indices=True)
    recall = metrics.RetrievalRecall.calculate(
        list(pred), target, topk=(1, 2), **options
    )  # it shortens the list
    assert [value.item() for value in recall] == [50, 100]
    # first: hits at 2 and 4, (1/2 + 2/4) / 2; second: a hit at 1
    precision = metrics.RetrievalAveragePrecision.calculate(pred, target, 4, **options)
    assert precision.item() == pytest.approx(100 * (0.5 + 1) / 2)


def test_youtube_vis_of_mmdet(tmp_path):
    functional = pytest.importorskip('mmdet.evaluation.functional')
    mask = importlib.import_module('pycocotools.mask')
    canvas = np.zeros((2, 20, 20), np.uint8)
    canvas[0, 2:10, 2:10] = canvas[1, 10:18, 10:18] = 1
    codes = [mask.encode(np.asfortranarray(part)) for part in canvas]
    codes = [dict(size=c['size'], counts=c['counts'].decode()) for c in codes]
    video = dict(id=1, width=20, height=20, length=2, file_names=['a', 'b'])
    truth = dict(
        videos=[video],
        categories=[dict(id=1, name='one')],
        annotations=[
            dict(
                id=index + 1,
                video_id=1,
                category_id=1,
                iscrowd=0,
                segmentations=[code, code],
                areas=[64, 64],
                bboxes=[[2, 2, 8, 8]] * 2,
            )
            for index, code in enumerate(codes)
        ],
    )
    found = [
        dict(video_id=1, score=0.9, category_id=1, segmentations=[codes[0]] * 2),
        dict(video_id=1, score=0.8, category_id=1, segmentations=[codes[0]] * 2),
    ]
    for name, content in (('truth', truth), ('found', found)):
        (tmp_path / f'{name}.json').write_text(json.dumps(content))
    truth = functional.YTVIS(str(tmp_path / 'truth.json'))
    found = truth.loadRes(str(tmp_path / 'found.json'))
    evaluation = functional.YTVISeval(truth, found, 'segm')
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    # one of two is found, at full precision up to recall 0.5: 51 of 101 points
    assert evaluation.stats[0] == pytest.approx(51 / 101)


def test_recall_of_mmdet():
    functional = pytest.importorskip('mmdet.evaluation.functional')
    truth = [
        np.array([[0.0, 0, 10, 10], [20, 20, 30, 30]]),
        np.array([[5.0, 5, 15, 15]]),
        np.zeros((0, 4)),
    ]
    proposals = [
        np.array([[0.0, 0, 10, 10, 0.2], [50, 50, 60, 60, 0.9], [1, 1, 2, 2, 0.1]]),
        np.array([[5.0, 5, 15, 15, 0.9]]),
        np.array([[5.0, 5, 15, 15, 0.9], [1, 1, 2, 2, 0.1]]),
    ]
    recalls = functional.eval_recalls(truth, proposals, (1, 2), 0.5, logger='silent')
    assert recalls[:, 0] == pytest.approx([1 / 3, 2 / 3])


def test_numpy_itself_stays_as_it_is():
    missing = {'float', 'in1d'} - set(dir(np))
    for host, name in numpy_names.USED.items():
        module = pytest.importorskip(host)
        assert hasattr(module.np, name)
        assert isinstance(module.np, views.View) == (name in missing)
    assert not missing & set(dir(np))


def test_in1d_as_numpy_had_it():
    table = np.array([[1, 2], [3, 4]])
    found = numpy_names._in1d(table, [2, 3], invert=True)
    assert found.tolist() == [True, False, False, True]


@pytest.mark.parametrize('patch', [numpy_names._give_back, ragged._patch])
def test_stands_aside_for_a_patched_host(patch, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f'made_up_names_{patch.__module__.rpartition(".")[2]}'
    (tmp_path / f'{name}.py').write_text('import numpy as np\nmade = np.zeros(1)\n')
    monkeypatch.setitem(numpy_names.USED, name, 'float')
    module = importlib.import_module(name)
    patch(module)
    assert module.np is np
