"""SapiensPartMetric against mmseg's IoUMetric, by hand, and over two processes."""

import csv
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

pytest.importorskip('mmseg')

from mmengine.evaluator import Evaluator  # noqa: E402
from mmseg.evaluation.metrics import IoUMetric  # noqa: E402

from sapiens_mm.data.files import BadFileError
from sapiens_mm.registry import METRICS  # noqa: E402
from sapiens_mm.seg import SapiensPartMetric  # noqa: E402
from sapiens_mm.seg.part_metric import confusion_matrix  # noqa: E402
from sapiens_mm.tables import part_table  # noqa: E402

REPOSITORY = Path(__file__).parents[2]
HOSTS = ('aAcc', 'mIoU', 'mAcc')


def sample(pred, target, name='x.png'):
    data = {
        key: dict(data=torch.from_numpy(np.asarray(ids).astype(np.int64))[None])
        for key, ids in (('pred_sem_seg', pred), ('gt_sem_seg', target))
    }
    return dict(**data, seg_map_path=name, img_path=name)


def photos(table='goliath28', count=5, absent=(4, 9, 12), seed=0):
    """Blocky maps: some classes in neither, one in the predictions alone."""
    rng = np.random.RandomState(seed)
    num_classes = part_table(table).num_classes
    made = []
    for index in range(count):
        hw = (48 + index, 40)
        target = cv2.resize(
            rng.randint(0, num_classes, (6, 5)).astype(np.uint8),
            hw[::-1],
            interpolation=cv2.INTER_NEAREST,
        )
        target[np.isin(target, absent)] = 0
        pred = np.roll(target, rng.randint(-3, 4, 2), (0, 1))
        pred[rng.rand(*hw) < 0.1] = rng.randint(0, 3)
        if num_classes > 9:
            pred[target == 7], target[target == 7] = 7, 1
        target[5:15, 8:20] = 255
        made.append(sample(pred, target, f'{index}.png'))
    return made


def evaluate(metric, samples, table='goliath28'):
    metric.dataset_meta = part_table(table).metainfo()
    for one in samples:
        metric.process({}, [one])
    return metric.evaluate(len(samples))


def evaluate_share(rank):
    """Every second image, as the host's sampler deals them: the first comes twice."""
    metric = SapiensPartMetric()
    metric.dataset_meta = part_table('goliath28').metainfo()
    samples = photos()
    for index in range(rank, len(samples) + 1, 2):
        metric.process({}, [samples[index % len(samples)]])
    return metric.evaluate(len(samples))


@pytest.mark.parametrize('table', ['goliath28', 'lip20', 'face19'])
def test_the_hosts_figures(table):
    host = evaluate(IoUMetric(), photos(table), table)
    ours = evaluate(SapiensPartMetric(), photos(table), table)
    for key in HOSTS:
        assert ours[key] == host[key]
        assert 20 < ours[key] < 95
    assert set(ours) == {*HOSTS, 'mBIoU', 'mIoU_foreground', 'mBIoU_foreground'}


@pytest.mark.parametrize(
    'arguments',
    [
        dict(iou_metrics=['mDice', 'mFscore'], beta=2),
        dict(iou_metrics=['mIoU', 'mFscore'], nan_to_num=-1),
        dict(iou_metrics='mDice'),
        dict(ignore_index=0),
        dict(prefix='val'),
    ],
)
def test_the_hosts_arguments(arguments):
    samples = photos()
    if arguments.get('ignore_index') == 0:  # 255 is then no label at all
        for one in samples:
            labels = one['gt_sem_seg']['data']
            labels[labels == 255] = 0
    host = evaluate(IoUMetric(**arguments), samples)
    ours = evaluate(SapiensPartMetric(boundary=False, **arguments), samples)
    shared = {key: ours[key] for key in host}
    assert shared == {
        key: pytest.approx(value, nan_ok=True) for key, value in host.items()
    }
    extra = {key.split('/')[-1] for key in set(ours) - set(host)}
    assert extra <= {'mIoU_foreground'}


def test_by_hand():
    target = np.array([[0, 0, 1, 1], [0, 0, 1, 255]])
    pred = np.array([[0, 1, 1, 1], [0, 0, 2, 2]])
    expected = np.array([[3, 1, 0], [0, 2, 1], [0, 0, 0]])
    got = confusion_matrix(pred.astype(np.uint8), target.astype(np.uint8), 3)
    assert (got == expected).all()

    metric = SapiensPartMetric(per_class=True, boundary=False)
    metric.dataset_meta = dict(classes=['back', 'left', 'right', 'never'])
    metric.process({}, [sample(pred, target)])
    result = metric.evaluate(1)
    assert result['aAcc'] == 71.43
    ious = [result[f'IoU/{name}'] for name in ('back', 'left', 'right', 'never')]
    assert ious == [75.0, 50.0, 0.0, pytest.approx(np.nan, nan_ok=True)]
    assert result['mIoU'] == 41.67
    assert result['mIoU_foreground'] == 25.0
    assert result['mAcc'] == pytest.approx(70.83)  # of two classes
    assert np.isnan(result['Acc/right'])


def test_sums_stay_exact_where_float32_would_not():
    metric = SapiensPartMetric(boundary=False)
    metric.dataset_meta = dict(classes=['a', 'b'])
    big = np.array([[2**31 - 1, 0], [0, 1]], np.int32)
    areas = np.zeros((3, 2), np.int64)
    columns = {}
    metric._log = lambda classes, found: columns.update(found)
    metric.compute_metrics(
        [(big, areas)] * 8 + [(np.eye(2, dtype=np.int32)[::-1], areas)]
    )
    # 8 right pixels of class b, one labelled b and predicted a, one the other way
    assert columns['IoU'][1] == pytest.approx(8 / 10)


def test_means_over_nothing_are_nan():
    empty = np.zeros((6, 5))
    result = evaluate(SapiensPartMetric(), [sample(empty, empty)])
    assert result['mIoU'] == 100
    assert np.isnan(result['mIoU_foreground'])
    zero = evaluate(SapiensPartMetric(nan_to_num=0), [sample(empty, empty)])
    assert zero['mIoU_foreground'] == zero['mBIoU_foreground'] == 0


def test_the_report(tmp_path):
    folder = tmp_path / 'made' / 'here'
    table = part_table('goliath28')
    samples = photos()
    metric = SapiensPartMetric(report_dir=str(folder), per_class=True)
    result = evaluate(metric, samples)
    pred, target = (
        np.concatenate([one[key]['data'].numpy().ravel() for one in samples])
        for key in ('pred_sem_seg', 'gt_sem_seg')
    )
    expected = np.zeros((28, 28), int)
    for p, t in zip(pred[target != 255], target[target != 255], strict=True):
        expected[t, p] += 1
    saved = np.load(folder / 'confusion.npz')
    assert (saved['confusion'] == expected).all()
    assert tuple(saved['classes']) == table.classes
    rows = list(csv.reader((folder / 'confusion.csv').open()))
    assert (np.array(rows)[1:, 1:].astype(int) == expected).all()
    assert [row[0] for row in rows[1:]] == rows[0][1:] == list(table.classes)
    rows = list(csv.DictReader((folder / 'classes.csv').open()))
    for name, row, pixels in zip(table.classes, rows, expected.sum(1), strict=True):
        assert row['class'] == name
        assert int(row['pixels']) == pixels
        for figure in ('IoU', 'Acc', 'BIoU'):
            of_class = pytest.approx(result[f'{figure}/{name}'], abs=0.006, nan_ok=True)
            assert 100 * float(row[figure]) == of_class
    picture = cv2.imread(str(folder / 'confusion.png'))
    assert min(picture.shape[:2]) > 28 * 30


def test_predictions_are_written_as_by_the_host(tmp_path):
    samples = photos(count=2)
    metric = SapiensPartMetric(format_only=True, output_dir=str(tmp_path))
    bare = [{k: v for k, v in one.items() if k != 'gt_sem_seg'} for one in samples]
    assert evaluate(metric, bare) == {}
    for one in samples:
        written = cv2.imread(str(tmp_path / one['img_path']), cv2.IMREAD_UNCHANGED)
        assert (written == one['pred_sem_seg']['data'][0].numpy()).all()


def test_one_image_takes_little_memory():
    metric = SapiensPartMetric()
    metric.dataset_meta = part_table('goliath28').metainfo()
    target = np.random.randint(0, 28, (1024, 768))
    metric.process({}, [sample(target, target)])
    assert len(pickle.dumps(metric.results)) < 5000


def test_an_evaluator_builds_it():
    evaluator = Evaluator(
        dict(type='sapiens_mm.SapiensPartMetric', iou_metrics=['mIoU'])
    )
    evaluator.dataset_meta = part_table('goliath28').metainfo()
    samples = photos()
    evaluator.process(data_samples=samples)
    assert evaluator.evaluate(len(samples)) == evaluate(SapiensPartMetric(), samples)
    assert METRICS.get('SapiensPartMetric') is SapiensPartMetric


def test_the_table_is_logged(caplog):
    from mmengine.logging import MMLogger

    MMLogger.get_instance('part_metric', logger_name='part_metric')
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    result = evaluate(SapiensPartMetric(per_class=True), photos())
    line = next(x for x in caplog.text.splitlines() if 'Left_Hand' in x)
    cells = [cell.strip() for cell in line.strip('|').split('|')]
    figures = [result[f'{name}/Left_Hand'] for name in ('IoU', 'Acc', 'BIoU')]
    assert cells == ['Left_Hand', *(f'{figure:.2f}' for figure in figures)]


def test_bad_input_is_named():
    labels = np.zeros((8, 6), int)
    metric = SapiensPartMetric()
    with pytest.raises(BadFileError, match=r'a.png: the labels are 8 x 6 .* 8 x 5'):
        evaluate(metric, [sample(labels[:, 1:], labels, 'a.png')])
    with pytest.raises(BadFileError, match=r'b.png: the id 28 is in the labels; .* 28'):
        evaluate(metric, [sample(labels, labels + 28, 'b.png')])
    with pytest.raises(BadFileError, match=r'c.png: the id 33 is in the prediction'):
        evaluate(metric, [sample(labels + 33, labels, 'c.png')])
    with pytest.raises(ValueError, match='no predictions'):
        metric.compute_metrics([])
    with pytest.raises(TypeError, match='has no argument nan_to_nun'):
        SapiensPartMetric(nan_to_nun=0)
    with pytest.raises(ValueError, match=r'dilation_ratio .* got 0$'):
        SapiensPartMetric(dilation_ratio=0)


@pytest.mark.slow
def test_two_processes_agree_with_one(tmp_path):
    environment = dict(
        os.environ, WORLD_SIZE='2', OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES=''
    )
    environment['PYTHONPATH'] = os.pathsep.join(
        [str(REPOSITORY), str(Path(__file__).parent), environment.get('PYTHONPATH', '')]
    )
    script = Path(__file__).with_name('metric_rank.py')
    processes = [
        subprocess.Popen(
            [sys.executable, str(script), str(tmp_path)],
            env=environment | dict(RANK=str(rank), LOCAL_RANK=str(rank)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    logs = [process.communicate(timeout=240)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], logs
    both = [json.loads((tmp_path / f'{rank}.json').read_text()) for rank in range(2)]
    assert both[0] == both[1] == evaluate(SapiensPartMetric(), photos())
