"""sapiens convert keypoints and captures: every kind of file, there and back."""

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('mmpose')

from sapiens_mm.apis.results import PoseResult  # noqa: E402
from sapiens_mm.cli import convert  # noqa: E402
from sapiens_mm.pose import check_annotations, convert_keypoints  # noqa: E402
from sapiens_mm.pose.keypoint_files import annotation_fields, category  # noqa: E402
from sapiens_mm.saving.results import pose_to_dict  # noqa: E402
from sapiens_mm.tables import keypoint_table  # noqa: E402


def run(*args):
    return convert.main(['keypoints', *map(str, args)])


def points_of(num_keypoints, seed=0):
    rng = np.random.RandomState(seed)
    points = np.full((num_keypoints, 3), 2.0)
    points[:, :2] = rng.uniform(5, 40, (num_keypoints, 2)).round(2)
    points[rng.rand(num_keypoints) < 0.3] = 0
    points[rng.rand(num_keypoints) < 0.1, 2] = 1
    points[:5] = [[9, 8, 2], [10, 7, 2], [8, 7, 1], [0, 0, 0], [7, 8, 2]]
    return points


def annotation_file(path, num_keypoints, change=None):
    annotations = [
        dict(
            id=7 + n,
            image_id=3,
            category_id=1,
            bbox=[4, 4, 40, 50],
            area=900.5,
            iscrowd=0,
            segmentation=[],
            colour='red',
            **annotation_fields(points_of(num_keypoints, n)),
        )
        for n in range(2)
    ]
    image = dict(id=3, file_name='a/b.jpg', width=48, height=64)
    content = dict(
        info=dict(year=2024),
        licenses=[],
        images=[image],
        annotations=annotations,
        categories=[category(num_keypoints)],
    )
    if change is not None:
        change(content)
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize('start', [17, 133])
def test_annotations_to_308_and_back(tmp_path, start, capsys):
    source = annotation_file(tmp_path / 'start.json', start)
    middle, end = tmp_path / '308.json', tmp_path / 'end.json'
    bases = ['--finger-bases'] if start == 133 else []
    assert run(source, middle, '--to', 308, *bases) == 0
    shared = 63 if start == 133 else 17
    assert f'1 file, {shared} of 308 keypoints filled' in capsys.readouterr().out
    assert run(middle, end, '--to', start, *bases) == 0
    assert sorted(os.listdir(tmp_path)) == ['308.json', 'end.json', 'start.json']
    for path, num_keypoints in ((middle, 308), (end, start)):
        report = check_annotations(path, num_keypoints)
        assert report.counts['used'] == 2 and not report.first_errors

    before, content = json.loads(source.read_text()), json.loads(middle.read_text())
    record, original = content['annotations'][1], before['annotations'][1]
    points = convert_keypoints(points_of(start, 1), start, 308, **tool_args(bases))
    assert record['goliath_wholebody_kpts'] == points.ravel().tolist()
    assert record['num_keypoints'] == (points[:, 2] > 0).sum()
    for name in ('id', 'image_id', 'bbox', 'area', 'iscrowd', 'colour'):
        assert record[name] == original[name]
    assert len(record['lefthand_kpts']) == 60 and 'face_valid' not in record
    assert content['info']['year'] == 2024
    assert content['info']['goliath_info']['body_keypoint_ids'][9:11] == [62, 41]
    assert content['categories'][0]['keypoints'][62] == 'left_wrist'

    content = json.loads(end.read_text())
    if start == 17:
        assert content['annotations'] == before['annotations']
        assert content['categories'] == before['categories']
    else:
        record = content['annotations'][1]
        assert record['keypoints'] == original['keypoints']
        assert record['foot_kpts'] == original['foot_kpts']
        assert record['num_keypoints'] == original['num_keypoints']
        assert not any(record['face_kpts']) and record['face_valid'] is False
        assert record['lefthand_kpts'][:3] == [0, 0, 0]  # its root has no partner
        assert record['lefthand_kpts'][3:] == original['lefthand_kpts'][3:]
    assert 'goliath_info' not in content['info']


def tool_args(bases):
    return dict(include_finger_bases=True) if bases else {}


def test_fractions_and_crowds(tmp_path):
    def change(content):
        first, second = content['annotations']
        first['righthand_kpts'][-3:] = [20.5, 21, 0.25]
        second['iscrowd'] = 1
        del second['face_kpts'], second['keypoints'], second['area']

    source = annotation_file(tmp_path / 'a.json', 133, change)
    assert run(source, tmp_path / 'b.json', '--to', '308') == 0
    first, second = json.loads((tmp_path / 'b.json').read_text())['annotations']
    at = 3 * 37  # the tip of the right little finger
    assert first['goliath_wholebody_kpts'][at : at + 3] == [20.5, 21, 1]
    assert not any(second['goliath_wholebody_kpts']) and second['iscrowd'] == 1
    assert second['area'] == pytest.approx(0.53 * 40 * 50)


def test_a_users_pairs(tmp_path):
    pairs = tmp_path / 'pairs.json'
    pairs.write_text('[[71, 188], [77, 189]]')
    source = annotation_file(tmp_path / 'a.json', 308)
    args = [source, tmp_path / 'b.json', '--to', 133, '--pairs', pairs]
    assert run(*args) == 0
    record = json.loads((tmp_path / 'b.json').read_text())['annotations'][0]
    at = 3 * (71 - 23)
    assert record['face_kpts'][at : at + 3] == points_of(308)[188].tolist()


def test_results_of_an_evaluation(tmp_path):
    points = points_of(308)
    points[:, 2] = np.linspace(0.01, 1, 308).round(4)
    flat = points.ravel().tolist()
    results = [dict(image_id=3, category_id=1, keypoints=flat, score=0.5)]
    source = tmp_path / 'r.json'
    source.write_text(json.dumps(results))
    assert run(source, tmp_path / 'w.json', '--to', 133) == 0
    (result,) = json.loads((tmp_path / 'w.json').read_text())
    expected = convert_keypoints(points, 308, 133)
    assert result['righthand_kpts'] == expected[112:].ravel().tolist()
    assert (result['score'], result['image_id']) == (0.5, 3)
    assert 'num_keypoints' not in result

    assert run(source, tmp_path / 'op', '--to', 'openpose') == 0
    files = os.listdir(tmp_path / 'op')
    assert files == ['000000000003_keypoints.json']
    person = json.loads((tmp_path / 'op' / files[0]).read_text())['people'][0]
    got = np.reshape(person['pose_keypoints_2d'], (25, 3))
    np.testing.assert_allclose(got, convert_keypoints(points, 308, 25), atol=1e-4)


@pytest.mark.parametrize('target', [17, 'openpose'])
def test_files_of_the_image_demo(tmp_path, target):
    points = points_of(308)[None]
    result = PoseResult(
        keypoints=points[..., :2].astype(np.float32),
        scores=points[..., 2].astype(np.float32),
        boxes=np.float32([[1, 2, 30, 40]]),
        box_scores=np.float32([0.9]),
        boxes_from='caller',
        image_hw=(64, 48),
        source=Path('photo.jpg'),
    )
    source, output = tmp_path / 'photo.json', tmp_path / 'out.json'
    source.write_text(json.dumps(pose_to_dict(result, keypoint_table(308))))
    assert run(source, output, '--to', target) == 0
    content = json.loads(output.read_text())
    expected = convert_keypoints(points[0], 308, 25 if target == 'openpose' else 17)
    if target == 17:
        assert content['keypoint_names'] == list(keypoint_table(17).names)
        assert content['dataset'] == 'coco' and content['image'] == 'photo.jpg'
        got = content['instances'][0]['keypoints']
        assert content['instances'][0]['bbox'] == [1, 2, 29, 38]
    else:
        got = content['people'][0]['pose_keypoints_2d']
        assert set(content) == {'version', 'people'}
    np.testing.assert_allclose(np.reshape(got, (-1, 3)), expected, atol=1e-4)


def test_openpose_files_of_annotations(tmp_path):
    def change(content):
        second = content['annotations'][1]
        second.update(annotation_fields(np.zeros((133, 3))))
        content['images'].append(dict(id=4, file_name='c.jpg', width=9, height=9))

    source = annotation_file(tmp_path / 'a.json', 133, change)
    out = tmp_path / 'out'
    assert run(source, out, '--to', 'openpose') == 0
    files = sorted(str(path.relative_to(out)) for path in out.rglob('*.json'))
    assert files == [os.path.join('a', 'b_keypoints.json'), 'c_keypoints.json']
    people = json.loads((out / files[0]).read_text())['people']
    assert len(people) == 1  # one of the two has no keypoint
    person = people[0]
    assert person['person_id'] == [-1] and person['hand_left_keypoints_2d'] == []
    assert person['pose_keypoints_2d'][:3] == [9, 8, 1]  # a confidence
    assert person['pose_keypoints_2d'][45:48] == [8, 7, 1]  # right eye, hidden
    assert json.loads((out / files[1]).read_text())['people'] == []


WRONG = [
    (
        lambda c: c['annotations'][1]['keypoints'].pop(),
        'record 1 (id 8): keypoints has',
    ),
    (
        lambda c: c['annotations'][1]['keypoints'].__setitem__(4, float('nan')),
        'record 1 (id 8): keypoints holds nan for keypoint 1',
    ),
    (lambda c: c.update(annotations=[{'id': 1}]), 'say which with --from'),
    (lambda c: c.update(annotations=None), 'is no annotation file'),
]


@pytest.mark.parametrize('change, message', WRONG)
def test_wrong_files_leave_nothing_behind(tmp_path, change, message, capsys):
    source = annotation_file(tmp_path / 'a.json', 17, change)
    assert run(source, tmp_path / 'b.json', '--to', '308') == 2
    error = capsys.readouterr().err
    assert message in error and error.count('\n') == 1 and 'Traceback' not in error
    assert os.listdir(tmp_path) == ['a.json']


def test_outputs_are_not_overwritten(tmp_path, capsys):
    source = annotation_file(tmp_path / 'a.json', 17)
    target = tmp_path / 'b.json'
    target.write_text('mine')
    assert run(source, target, '--to', 308) == 2
    assert 'b.json exists; pass --force' in capsys.readouterr().err
    assert target.read_text() == 'mine'
    assert run(source, target, '--to', 308, '--force') == 0
    assert json.loads(target.read_text())['annotations'][0]['id'] == 7
    assert run(source, tmp_path, '--to', 308) == 2
    assert 'is a folder; name a file in it' in capsys.readouterr().err


@pytest.mark.parametrize(
    'name, message', [('../b.jpg', 'is outside of its folder'), ('a/b.png', 'two imag')]
)
def test_openpose_files_stay_apart_and_inside(tmp_path, name, message, capsys):
    def change(content):
        content['images'].append(dict(id=4, file_name=name, width=9, height=9))

    source = annotation_file(tmp_path / 'a.json', 17, change)
    assert run(source, tmp_path / 'out', '--to', 'openpose') == 2
    assert message in capsys.readouterr().err
    assert os.listdir(tmp_path) == ['a.json']


@pytest.mark.parametrize(
    'args, message',
    [
        (['none.json', 'b.json', '--to', '308'], 'none.json'),
        (['a.json', 'b.json', '--to', '17', '--finger-bases'], '133 to 308'),
    ],
)
def test_wrong_calls(tmp_path, monkeypatch, args, message, capsys):
    monkeypatch.chdir(tmp_path)
    annotation_file(tmp_path / 'a.json', 17)
    code = run(*args)
    output = capsys.readouterr()
    assert code == 2 and message in output.err
    assert 'Traceback' not in output.err


def test_captures(tmp_path, capsys):
    rng = np.random.RandomState(0)
    index = []
    for n in range(3):
        index.append(dict(sample_id=n, session_id=1, camera_id=1, frame_number=n))
        image = rng.randint(0, 255, (20, 16, 3)).astype(np.uint8)
        cv2.imwrite(str(tmp_path / f'{n}.png'), image)
        array = np.concatenate([rng.uniform(1, 15, (2, 344)), np.ones((1, 344))])
        np.save(tmp_path / f'{n}.npy', array)
    source, output = tmp_path / 'index.json', tmp_path / 'out.json'
    source.write_text(json.dumps(index))
    args = [source, output, '--root', tmp_path, '--image']
    args += ['{sample_id}.png', '--keypoints', '{sample_id}.npy']
    args = ['captures', *map(str, args)]
    assert convert.main(args) == 0
    assert '3 samples kept; dropped: 0 grey' in capsys.readouterr().out
    assert check_annotations(output, 308, tmp_path).counts['used'] == 3

    (tmp_path / '1.npy').unlink()
    assert convert.main([*args, '--force']) == 1
    captured = capsys.readouterr()
    assert '1.npy' in captured.err and '2 samples kept' in captured.out
    assert len(json.loads(output.read_text())['annotations']) == 2


def test_wrong_choices_are_one_line(capsys):
    with pytest.raises(SystemExit) as caught:
        run('a.json', 'b.json', '--to', '21')
    error = capsys.readouterr().err
    assert caught.value.code == 2 and error.count('\n') == 1
    assert 'invalid choice' in error
