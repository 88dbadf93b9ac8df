"""A user's config of own keypoints against itself, before anything is built."""

import json

import pytest
from mmengine.config import Config
from sentences import says

pytest.importorskip('mmpose')

from own_models import own_keypoints  # noqa: E402

from sapiens_mm.engine.start import Start  # noqa: E402
from sapiens_mm.paths import config_root  # noqa: E402
from sapiens_mm.pose import annotation_sources  # noqa: E402
from sapiens_mm.pose.min_keypoints import usual_minimum  # noqa: E402

NAMES = ('head', 'left_hand', 'right_hand', 'left_foot', 'right_foot', 'tail')
DATA = """
_base_ = '{root}/pose/sapiens_0.3b_{base}-1024x768.py'
data = dict(
    type='CocoDataset',
    data_root='{folder}/',
    ann_file='people.json',
    data_prefix=dict(img=''),
    metainfo={metainfo},
)
train_dataloader = dict(dataset=data)
val_dataloader = dict(dataset=data)
model = dict(head=dict(out_channels={count}))
"""


@pytest.fixture
def start(keypoint_file, tmp_path):
    """A function that writes a user's config of 6 own keypoints, and looks at it."""

    def look(more='', base='coco17', count=6, metainfo=None, change=None, files=False):
        def own(content):
            for record in content['annotations']:
                del record['keypoints'][3 * 6 :]
                record['num_keypoints'] = 6
            if change is not None:
                change(content)

        keypoint_file(17, change=own)
        text = DATA.format(
            root=config_root(),
            base=base,
            folder=tmp_path,
            count=count,
            metainfo=own_keypoints(NAMES) if metainfo is None else metainfo,
        )
        path = tmp_path / 'mine.py'
        path.write_text(text + more)
        started = Start(Config.fromfile(path))
        started.fit()
        if files:
            started.check_files()
        return started

    return look


def test_six_own_keypoints_on_the_coco_config(start):
    """Metainfo, out_channels and paths alone: what is inherited fits itself."""
    found = start('val_evaluator = dict(ann_file=data["data_root"] + data["ann_file"])')
    assert found.task == '6 keypoints'
    cfg = found.cfg
    assert cfg.val_dataloader.dataset.bbox_file is None
    assert cfg.default_hooks.checkpoint.save_best == 'coco/AP'
    (remark,) = found.remarks
    assert remark.startswith('bbox_file of val_dataloader is inherited and of the imag')
    found.check_files()
    assert found.remarks == [remark]
    people = f'3 people in 3 images of {cfg.train_dataloader.dataset.data_root}'
    assert found.counts['train'] == f'{people}people.json' == found.counts['val']


def test_six_own_keypoints_on_the_goliath_config(start):
    cfg = start(base='goliath308').cfg
    assert cfg.model.head.loss.topk == 2  # 128 of 308
    checkpoint = cfg.default_hooks.checkpoint
    assert (checkpoint.save_best, checkpoint.rule) == ('keypoints/AP', 'greater')


def test_a_metric_without_its_file_takes_that_of_the_data_set(start, tmp_path):
    found = start()  # that of COCO is not here
    own = str(tmp_path / 'people.json')
    assert found.cfg.val_evaluator.ann_file == own
    assert any(f'that of val_dataloader is taken, {own}' in r for r in found.remarks)
    with pytest.raises(ValueError, match='ann_file of val_evaluator does not exist: n'):
        start("val_evaluator = dict(ann_file='none.json')")


def test_a_metric_of_other_images_is_refused(start, tmp_path, keypoint_file):
    more = f"val_evaluator = dict(ann_file='{tmp_path}/other.json')"

    def other(content):
        for n, image in enumerate(content['images']):
            image['id'] = content['annotations'][n]['image_id'] = 500 + n
        for record in content['annotations']:
            del record['keypoints'][18:]

    keypoint_file(17, change=other, name='other.json')
    with pytest.raises(
        ValueError, match='other.json, does not list image 10 of val_da'
    ):
        start(more, files=True)

    def two_more(content):
        for n in (0, 1):
            content['images'].append(dict(content['images'][0], id=70 + n))
            twin = dict(content['annotations'][0], id=170 + n, image_id=70 + n)
            content['annotations'].append(twin)
        for record in content['annotations']:
            record['keypoints'] = record['keypoints'][:18]

    keypoint_file(17, change=two_more, name='other.json')
    remarks = start(more, files=True).remarks
    assert any('has people in 2 images that val_dataloader' in r for r in remarks)


@pytest.mark.parametrize(
    'changes, sentence',
    [
        (dict(count=7), 'out_channels is 7, train_dataloader has 6 keypoints$'),
        (dict(count=None), 'out_channels is None, train_dataloader has 6 keypoints$'),
        (
            dict(more='val_dataloader = dict(dataset=dict(data, metainfo=None))'),
            'is 6, val_dataloader has 17 keypoints; metainfo of the data set names',
        ),
        (
            dict(metainfo=own_keypoints(NAMES, mirror=dict(head='horn'))),
            "metainfo of train_dataloader: .*'head' has the mirror image 'horn', which",
        ),
        (
            dict(metainfo=own_keypoints(NAMES, mirror=dict(head='tail'))),
            "train_dataloader: 'tail' is the mirror image of 'head', but that of",
        ),
        (
            dict(metainfo=own_keypoints((*NAMES[:5], 'head'))),
            'train_dataloader: keypoint 0 and 5 have one name',
        ),
        (
            dict(metainfo=own_keypoints(NAMES, links=[('head', 'horn')])),
            "the link .'head', 'horn'. does not name two of the keypoints",
        ),
        (
            dict(metainfo=dict(own_keypoints(NAMES), sigmas=[0.05])),
            'train_dataloader: sigmas has 1 numbers for 6 keypoints',
        ),
        (
            dict(metainfo=dict(from_file='{folder}/none.py')),
            'none.py',
        ),
        (
            dict(more="default_hooks = dict(checkpoint=dict(save_best='AP'))"),
            "save_best is 'AP', which no metric returns: they return coco/AP, coco/AP ",
        ),
        (
            dict(more="default_hooks = dict(checkpoint=dict(rule='less'))"),
            "rule is 'less', which would keep the worst checkpoint by 'coco/AP': it",
        ),
        (
            dict(
                more='steps = _base_.steps\n'
                'steps.enough.update(min_keypoints=8)\n'
                'train_pipeline = [steps[name] for name in _base_.train_steps]\n'
                'train_dataloader["dataset"]["pipeline"] = train_pipeline'
            ),
            'SapiensMinKeypoints of train_dataloader asks for 8 of 6 keypoints, which',
        ),
        (
            dict(
                more='model["head"]["loss"] = dict(topk=9)',
                base='goliath308',
            ),
            'model.head.loss.topk is 9, there are 6 keypoints',
        ),
    ],
)
def test_what_cannot_go_together(start, changes, sentence):
    with pytest.raises((ValueError, OSError), match=sentence):
        start(**changes)


@pytest.mark.parametrize('name', ['sigmas', 'joint_weights', 'skeleton_info'])
def test_what_mmpose_asserts_without_a_word(start, name):
    metainfo = own_keypoints(NAMES)
    del metainfo[name]
    with pytest.raises(ValueError, match=f'has no {name}, which mmpose needs: '):
        start(metainfo=metainfo)


def test_keypoints_out_of_order(start):
    """mmpose would take the mirror images in the order of the dict."""
    metainfo = own_keypoints(NAMES)
    info = metainfo['keypoint_info']
    metainfo['keypoint_info'] = {k: info[k] for k in reversed(info)}
    with pytest.raises(ValueError, match='must be the integers from 0 to 5, in order'):
        start(metainfo=metainfo)


def test_left_and_right_without_mirror_images_are_told(start):
    (remark,) = [
        r
        for r in start(metainfo=own_keypoints(NAMES, mirror={})).remarks
        if 'swap' in r
    ]
    says(remark, "'left_hand'", '(swap)', "'right_hand'", 'RandomFlip', 'flip_test')


def detections(tmp_path, records):
    path = tmp_path / 'boxes.json'
    path.write_text(json.dumps(records))
    return f"val_dataloader['dataset'] = dict(data, bbox_file='{path}')\n"


BOX = dict(image_id=10, category_id=1, bbox=[1, 2, 30, 40], score=0.9)


@pytest.mark.parametrize(
    'records, sentence',
    [
        (
            [dict(BOX, image_id=99)],
            'detection 0 is of image 99, which .* does not list',
        ),
        ([dict(BOX, category_id=2)], 'has 1 detections, none of category 1'),
        ([dict(BOX, bbox=[1, 2])], r'detection 0: bbox is \[1, 2\], expected 4 num'),
        ([dict(BOX, score=None)], 'detection 0: score is None'),
        ([], 'has 0 detections'),
        ({}, 'holds no list of detections'),
    ],
)
def test_boxes_of_a_detector(start, tmp_path, records, sentence):
    with pytest.raises(ValueError, match=sentence):
        start(detections(tmp_path, records), files=True)


def test_good_boxes_and_none(start, tmp_path):
    found = start(detections(tmp_path, [BOX, dict(BOX, category_id=2, image_id=0)]))
    found.check_files()
    (tmp_path / 'boxes.json').unlink()
    with pytest.raises(ValueError, match='bbox_file of val_dataloader does not exist'):
        found.check_files()


def test_faulty_files_are_told(start, tmp_path):
    with pytest.raises(ValueError, match='annotation 101 .*area is missing, and Coco'):
        start(change=lambda c: c['annotations'][1].pop('area'), files=True)
    (tmp_path / 'people.json').unlink()
    found = Start(Config.fromfile(tmp_path / 'mine.py'))
    with pytest.raises(ValueError, match='file .*people.json does not exist'):
        found.check_files()


def test_the_real_xtcocotools_reads_no_byte_order_mark(start, tmp_path, monkeypatch):
    found = start()
    path = tmp_path / 'people.json'
    path.write_bytes(b'\xef\xbb\xbf' + path.read_bytes())
    found.check_files()
    monkeypatch.setattr(annotation_sources, 'serves_ours', lambda: False)
    with pytest.raises(ValueError, match='people.json begins with a byte order mark'):
        found.check_files()


def test_the_hook_says_whether_to_look_for_images(start):
    hook = "custom_hooks = [dict(type='sapiens_mm.SapiensAnnotationCheckHook', {})]"
    change = lambda c: c['images'][1].update(file_name='photos/none.png')  # noqa: E731
    with pytest.raises(ValueError, match='none.png does not exist'):
        start(hook.format(''), change=change, files=True)
    start(hook.format('check_images=False'), change=change, files=True)


def test_a_share_of_the_keypoints_is_asked_for():
    counts = {k: usual_minimum(k) for k in (1, 2, 4, 6, 16, 17, 21, 133, 308)}
    assert counts == {1: 1, 2: 1, 4: 1, 6: 1, 16: 4, 17: 4, 21: 5, 133: 8, 308: 8}


def test_a_check_that_fails_itself_stops_nothing(start, monkeypatch):
    from sapiens_mm.pose import start_check

    def broken(started):
        raise KeyError('ours')

    monkeypatch.setattr(start_check, 'fit_config', broken)
    remarks = start().remarks
    assert any("could not do its check (KeyError: 'ours')" in r for r in remarks)
