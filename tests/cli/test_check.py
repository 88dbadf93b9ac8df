"""sapiens check: every kind of thing, whole and damaged."""

import json
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from sapiens_mm.checkpoints import write_checkpoint
from sapiens_mm.checkpoints.bundled import BUNDLED
from sapiens_mm.cli.main import main
from sapiens_mm.paths import EXAMPLES

sys.path.insert(0, str(Path(__file__).parents[1] / 'seg'))


@pytest.fixture
def check(capsys):
    """A function that checks things: exit code, and what was said."""

    def check(*words):
        capsys.readouterr()
        code = main(['check', *map(str, words)])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return check


def test_checkpoints(tmp_path, check):
    code, said, _ = check('sapiens_tiny_synth28')
    assert code == 0 and 'segmentation checkpoint with 28 classes' in said
    assert 'format: safetensors' in said and 'dtype: float16' in said
    assert BUNDLED['seg'].config in said
    path = tmp_path / 'det.pth'
    write_checkpoint(path, {'bbox_head.rtm_cls.0.bias': torch.zeros(1)}, {})
    assert 'mmdet detector' in check(path)[1]
    cut = tmp_path / 'cut.safetensors'
    cut.write_bytes(BUNDLED['seg'].path.read_bytes()[:-1000])
    text = tmp_path / 'text.pth'
    text.write_text('no weights here')
    for path in (cut, text):
        code, said, _ = check(path)
        assert code == 1 and said.count('\n') == 1 and str(path) in said
    # without a suffix it is told by its first bytes
    torch.save({'state_dict': {'a': torch.zeros(2)}}, tmp_path / 'weights')
    assert 'no Sapiens checkpoint' in check(tmp_path / 'weights')[1]


def test_released_files_are_not_fetched(monkeypatch, tmp_path, check):
    monkeypatch.setenv('SAPIENS_MM_CHECKPOINTS', str(tmp_path))
    name = 'sapiens_1b_goliath_best_goliath_AP_639'
    code, said, _ = check(name)
    assert code == 0 and 'not on this machine' in said
    assert f'sapiens zoo --fetch {name}' in said and 'CC-BY-NC' in said


def test_images(tmp_path, check):
    code, said, _ = check('astronaut')
    assert code == 0 and 'JPEG of 512 x 512 pixels' in said
    assert '3 channels of uint8' in said
    photo = EXAMPLES / 'astronaut.jpg'
    cut = tmp_path / 'cut.jpg'
    cut.write_bytes(photo.read_bytes()[:30_000])
    code, said, _ = check(cut)
    assert code == 1 and 'broken or truncated' in said
    mask = np.zeros((40, 30), np.uint8)
    mask[5:20] = 255
    cv2.imwrite(str(tmp_path / 'mask.png'), mask)
    cv2.imwrite(str(tmp_path / 'mask.jpg'), mask)
    assert 'as labels: 0, 255: a mask\n' in check(tmp_path / 'mask.png')[1]
    assert 'with losses' in check(tmp_path / 'mask.jpg')[1]
    cv2.imwrite(
        str(tmp_path / 'deep.png'), np.arange(1200, dtype=np.uint16).reshape(40, 30)
    )
    assert '1 channel of uint16, 0 to 1199' in check(tmp_path / 'deep.png')[1]


def test_palettes_and_orientation(tmp_path, check):
    from PIL import Image

    ids = Image.fromarray(np.uint8([[0, 1], [7, 1]]), 'P')
    ids.putpalette(list(range(24)))
    ids.save(tmp_path / 'ids.png')
    said = check(tmp_path / 'ids.png')[1]
    assert 'of a palette' in said and 'as labels: 0, 1, 7' in said
    photo = Image.new('RGB', (60, 40))
    exif = Image.Exif()
    exif[0x0112] = 6
    photo.save(tmp_path / 'turned.jpg', exif=exif)
    said = check(tmp_path / 'turned.jpg')[1]
    assert '40 x 60 pixels' in said and 'EXIF 6' in said


def test_maps(tmp_path, check):
    rng = np.random.RandomState(0)
    depth = rng.rand(8, 6).astype(np.float32)
    normals = rng.randn(8, 6, 3)
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    half = depth.copy()
    half[:4] = np.nan
    arrays = dict(depth=depth, normals=normals, half=half, mask=depth > 0.5)
    arrays |= dict(chw=normals.transpose(2, 0, 1), none=np.full((4, 4), np.nan))
    for name, array in arrays.items():
        np.save(tmp_path / f'{name}.npy', array)
    for name, words in dict(
        depth='as a map: depth',
        normals='directions, 100.0 % of them of unit length',
        half='finite: 50.0 %',
        mask='as labels: False, True: a mask',
    ).items():
        code, said, _ = check(tmp_path / f'{name}.npy')
        assert code == 0 and words in said, name
    assert check(tmp_path / 'chw.npy')[0] == check(tmp_path / 'none.npy')[0] == 1
    np.savez(tmp_path / 'two.npz', a=depth, b=depth)
    assert 'which one is meant' in check(tmp_path / 'two.npz')[1]
    (tmp_path / 'cut.npy').write_bytes((tmp_path / 'depth.npy').read_bytes()[:-9])
    code, said, _ = check(tmp_path / 'cut.npy')
    assert code == 1 and 'cannot be read' in said


def test_exr_maps(tmp_path, check):
    pytest.importorskip('mmseg')
    OpenEXR = pytest.importorskip('OpenEXR')
    values = np.random.RandomState(0).rand(8, 6).astype(np.float32)
    header = dict(compression=OpenEXR.ZIP_COMPRESSION, type=OpenEXR.scanlineimage)
    with OpenEXR.File(header, dict(Z=values)) as file:
        file.write(str(tmp_path / 'depth.exr'))
    code, said, _ = check(tmp_path / 'depth.exr')
    assert code == 0 and '8 x 6, float32' in said and 'as a map: depth' in said
    (tmp_path / 'cut.exr').write_bytes((tmp_path / 'depth.exr').read_bytes()[:99])
    assert check(tmp_path / 'cut.exr')[0] == 1


def keypoint_file(path, count=6, **image):
    image = dict(id=1, file_name='a.jpg', width=99, height=99) | image
    person = dict(id=1, image_id=1, category_id=1, iscrowd=0, bbox=[1, 1, 50, 50])
    person |= dict(area=900, num_keypoints=count, keypoints=[5, 6, 2] * count)
    content = dict(images=[image], annotations=[person], categories=[dict(id=1)])
    path.write_text(json.dumps(content), encoding='utf-8-sig')
    return path


def test_annotation_files(tmp_path, check):
    pytest.importorskip('mmpose')
    source = keypoint_file(tmp_path / 'own.json')
    for words in ((), ('--keypoints', '6')):
        code, said, _ = check(source, *words)
        assert code == 0 and '1 annotations with 6 keypoints, 1 used' in said
    code, said, _ = check(source, '--keypoints', '5')
    assert code == 1 and 'expected 15' in said
    code, said, _ = check(source, '--images', tmp_path)
    assert code == 1 and '1 images of used annotations that are not on disk' in said
    (tmp_path / 'broken.json').write_text('{"images": [')
    code, said, _ = check(tmp_path / 'broken.json')
    assert code == 1 and 'is not JSON' in said
    (tmp_path / 'other.json').write_text('{"a": 1}')
    code, said, _ = check(tmp_path / 'other.json')
    assert code == 1 and 'is no annotation file' in said
    (tmp_path / 'none.json').write_text('{"annotations": [{"id": 1}]}')
    code, said, _ = check(tmp_path / 'none.json')
    assert code == 1 and 'say which with --keypoints' in said


def test_results_as_json(tmp_path, check):
    pytest.importorskip('mmpose')
    record = dict(image_id=1, category_id=1, keypoints=[1, 2, 0.5] * 17, score=0.5)
    path = tmp_path / 'results.json'
    path.write_text(json.dumps([record, record]))
    code, said, _ = check(path)
    assert code == 0 and '2 people with 17 keypoints' in said
    path.write_text(json.dumps([record, dict(record, keypoints=[1, 2])]))
    code, said, _ = check(path)
    assert code == 1 and 'record 1 (image_id 1)' in said


def config_of(tmp_path, name, root):
    from mmengine.config import Config

    from sapiens_mm import config_path

    cfg = Config.fromfile(config_path(f'seg/sapiens_0.3b_{name}-1024x768'))
    for split in ('train', 'test'):
        cfg[f'{split}_dataloader'].dataset.data_root = str(root)
    cfg.dump(tmp_path / 'run.py')
    return tmp_path / 'run.py'


def test_part_data_of_every_layout(tmp_path, check):
    pytest.importorskip('mmseg')
    from part_layouts import LAYOUTS, people

    from sapiens_mm.tables import GOLIATH28

    for name, write in LAYOUTS.items():
        config = config_of(tmp_path, name, write(tmp_path / name))
        code, said, _ = check(config)
        assert code == 0 and '3 samples, 0 of them bad' in said, name
        if name == 'goliath28':
            pixels = np.concatenate([person.labels.ravel() for person in people(3)])
            share = 100 * np.bincount(pixels, minlength=28) / pixels.size
            lines = said[said.index('3 samples') :].splitlines()[1:]
            shown = {line.split()[1]: line for line in lines}
            for c, part in enumerate(GOLIATH28.classes):
                value = f'{share[c]:.3f} %' if share[c] else 'absent'
                assert shown[part].endswith(value)
            assert shown['(no'].split()[-5:-3] == ['0.000', '%']


def test_faults_of_part_data(tmp_path, check):
    pytest.importorskip('mmseg')
    from part_layouts import write_goliath, write_labels

    root = write_goliath(tmp_path / 'data', 4)
    (root / 'train/s1/0003.jpg').unlink()
    write_labels(root / 'train_parts/s1/0000.png', np.zeros((96, 72)))
    write_labels(root / 'train_parts/s1/0002.png', np.ones((9, 9)))
    config, report = config_of(tmp_path, 'goliath28', root), tmp_path / 'report.txt'
    code, said, _ = check(config, '--report', report)
    assert code == 1 and '3 samples, 2 of them bad' in said
    assert '1 files left out: no image (1)' in said
    lines = report.read_text().splitlines()
    assert lines[0] == f'{root}/train_parts/s1/0003.png: no image'
    assert lines[1] == (
        f'{root}/train_parts/s1/0000.png holds no part: it is background everywhere'
    )
    assert f'{root}/train_parts/s1/0002.png is 9 x 9 pixels' in lines[2]
    for line in lines[1:]:
        assert f'failed: {line}' in said
    # validation takes labels without a part
    write_labels(root / 'val_parts/s1/0000.png', np.zeros((96, 72)))
    assert check(config, '--split', 'test')[0] == 0


def test_configs(tmp_path, monkeypatch, check):
    pytest.importorskip('mmpose')
    monkeypatch.chdir(tmp_path)
    code, said, _ = check('pose/sapiens_0.3b_coco17-1024x768')
    assert code == 1 and 'training and evaluation' in said
    assert 'wrong: the annotation file data/coco' in said and 'does not exist' in said
    words = ['--cfg-options', 'model.head.out_channels=5']
    code, said, _ = check('pose/sapiens_0.3b_coco17-1024x768', *words)
    assert code == 1 and 'out_channels is 5' in said
    code, _, error = check('pose/sapiens_0.3b_coco17-1024x768', '--cfg-options', 'x')
    assert code == 2 and 'KEY=VALUE' in error
    broken = tmp_path / 'broken.py'
    broken.write_text('model = dict(')
    code, said, _ = check(broken)
    assert code == 1 and 'cannot be read as a config' in said


def test_a_data_set_of_the_generator(tmp_path, check):
    pytest.importorskip('numba')
    from sapiens_mm.synth.dataset.files import file_of, record_of
    from sapiens_mm.synth.dataset.settings import DatasetSettings

    settings = DatasetSettings(seed=3, size_hw=(96, 64))
    root = tmp_path / 'set'
    for index in range(5):
        split = settings.split_of(index)
        files = [file_of(root, kind, split, index) for kind in settings.kinds()]
        for path in (record_of(root, index), *files):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b'x')
    (root / 'dataset.json').write_text(json.dumps(settings.as_dict()))
    (root / 'stats.json').write_text('{"images": 5}')
    code, said, _ = check(root)
    assert code == 0 and '96 x 64 pixels, seed 3' in said
    assert 'samples: 5 of 5 are whole' in said
    file_of(root, 'depth', settings.split_of(2), 2).unlink()
    code, said, _ = check(root)
    assert code == 1 and 'samples: 4 of 5 are whole' in said
    assert 'not whole, the first: 2' in said and 'list 5 samples' in said
    (root / 'dataset.json').write_text('{"seed": 1}')
    assert check(root)[0] == 1


def test_folders_of_results_and_of_images(tmp_path, check):
    from sapiens_mm.runs.run_records import RunRecord

    out = tmp_path / 'out'
    record = RunRecord(out, 'seg', dict(config='seg/mine', checkpoint='a'))
    paths = {name: [out / f'seg/pictures/{name}.jpg'] for name in 'ab'}
    out.mkdir()
    record.claim({name: [[1, 2]] for name in 'ab'}, paths)
    record.release()
    (out / 'seg/pictures').mkdir()
    paths['a'][0].write_bytes(b'x')
    for folder in (out, out / 'seg'):
        code, said, _ = check(folder)
        assert code == 1 and 'seg: 1 of 2 finished by seg/mine' in said
        assert 'not finished: b' in said
    paths['b'][0].write_bytes(b'x')
    assert check(out)[0] == 0

    photos = tmp_path / 'photos'
    (photos / 'more').mkdir(parents=True)
    shutil.copy(EXAMPLES / 'astronaut.jpg', photos)
    shutil.copy(EXAMPLES / 'astronaut.jpg', photos / 'more/b.jpg')
    assert '2 images, 0 of them damaged' in check(photos)[1]
    (photos / 'more/c.png').write_bytes(b'\x89PNG\r\n\x1a\n')
    code, said, _ = check(photos)
    assert code == 1 and '3 images, 1 of them damaged' in said and 'c.png' in said


def test_what_is_nothing(tmp_path, check):
    (tmp_path / 'a.txt').write_text('x')
    (tmp_path / 'empty').mkdir()
    for word, message in (
        ('astronot', 'did you mean astronaut?'),
        ('sapiens_0.3b_coc17-1024x768', 'sapiens_0.3b_coco17-1024x768'),
        ('sapiens_tiny_synth29', 'did you mean sapiens_tiny_synth28'),
        (tmp_path / 'gone.png', 'does not exist'),
        (tmp_path / 'a.txt', 'is no checkpoint'),
        (tmp_path / 'empty', 'empty'),
        ('\0', 'does not exist'),
    ):
        code, said, error = check(word)
        assert code == 2 and not said and message in error, word
        assert error.startswith('error: ') and error.count('\n') == 1
    # the others are checked all the same
    code, said, _ = check('nothing', 'astronaut', 'sapiens_tiny_synth28')
    assert code == 2 and 'JPEG' in said and '28 classes' in said


def test_the_environment(monkeypatch, check):
    from sapiens_mm import compat, hosts

    found = hosts.is_installed
    monkeypatch.setattr(hosts, 'is_installed', lambda n: n != 'gradio' and found(n))
    code, said, _ = check()
    assert code == 0 and torch.__version__ in said
    assert f'Python {sys.version.split()[0]}' in said and 'mmengine 0.10.7' in said
    assert "missing: gradio, for which pip install 'sapiens_mm[webui]'" in said
    for name in compat.PATCHES:
        assert f'\n  {name} ' in said
