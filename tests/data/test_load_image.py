"""The loader of images: the hosts' keys and pixels, and bad files by name."""

import io
import json
import struct
import zlib

import cv2
import mmcv
import numpy as np
import pytest
from mmcv.transforms import LoadImageFromFile
from mmengine import fileio
from mmengine.config import Config
from mmengine.registry import DATASETS, TRANSFORMS, DefaultScope
from PIL import Image

import sapiens_mm
from sapiens_mm.data import SapiensLoadImage
from sapiens_mm.data.files import BadFileError
from sapiens_mm.testing import fake_person

HW = (128, 96)
KEYS = ['img', 'img_path', 'img_shape', 'ori_shape']


def image_of(seed=0):
    """Return a drawn image with noise, (H, W, 3) uint8 BGR."""
    noise = np.random.default_rng(seed).normal(0, 12, (*HW, 3))
    return (fake_person(seed, HW).image + noise).clip(0, 255).astype(np.uint8)


def encode(image, form, **options):
    buffer = io.BytesIO()
    Image.fromarray(image[..., ::-1]).save(buffer, form, **options)
    return buffer.getvalue()


def cut_short():
    """Return half a JPEG with the mark of its end."""
    data = encode(image_of(), 'JPEG')
    return data[: len(data) // 2] + b'\xff\xd9'


def bomb():
    """Return a PNG of a few bytes that says it has 900 megapixels."""

    def chunk(name, body):
        crc = zlib.crc32(name + body)
        return struct.pack('>I', len(body)) + name + body + struct.pack('>I', crc)

    head = struct.pack('>IIBBBBB', 30_000, 30_000, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1 << 16))
    parts = chunk(b'IHDR', head), chunk(b'IDAT', body), chunk(b'IEND', b'')
    return b'\x89PNG\r\n\x1a\n' + b''.join(parts)


BAD = {
    'truncated': (cut_short(), 'broken or truncated image'),
    'bomb': (bomb(), 'has 30000 x 30000 pixels, .*; at most 250 are read'),
    'text': (b'hello, I am a text\n', 'is not an image'),
}


@pytest.fixture
def write(tmp_path):
    def write(name, data):
        (tmp_path / name).write_bytes(data)
        return str(tmp_path / name)

    return write


def exif(orientation):
    found = Image.Exif()
    found[0x0112] = orientation
    return found


@pytest.mark.parametrize(
    'form, options',
    [
        ('JPEG', {}),
        ('JPEG', dict(quality=95, subsampling=0)),
        ('JPEG', dict(quality=40, progressive=True)),
        *(('JPEG', dict(exif=exif(orientation))) for orientation in (3, 6, 7)),
        ('PNG', {}),
        ('BMP', {}),
        ('WEBP', {}),
    ],
)
def test_keys_and_pixels_are_the_host_s(write, form, options):
    path = write('a', encode(image_of(), form, **options))
    for to_float32 in (False, True):
        expected = LoadImageFromFile(to_float32)(dict(img_path=path, img_id=3))
        found = SapiensLoadImage(to_float32)(dict(img_path=path, img_id=3))
        assert found['img'].dtype == expected['img'].dtype
        np.testing.assert_array_equal(found['img'], expected['img'])
        assert found.keys() == expected.keys() == {*KEYS, 'img_id'}
        for key in ('img_path', 'img_shape', 'ori_shape'):
            assert found[key] == expected[key]
        assert found['img'].flags.writeable and found['img'].flags.c_contiguous


@pytest.mark.parametrize('sampling', ['411', '420', '422', '440', '444'])
@pytest.mark.parametrize('hw', [(1, 1), (17, 35), (128, 96)])
def test_jpegs_are_decoded_to_opencv_s_numbers(write, sampling, hw):
    factor = getattr(cv2, f'IMWRITE_JPEG_SAMPLING_FACTOR_{sampling}')
    image = cv2.resize(image_of(), hw[::-1])
    for progressive in (0, 1):
        options = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor]
        options += [cv2.IMWRITE_JPEG_PROGRESSIVE, progressive]
        data = cv2.imencode('.jpg', image, options)[1].tobytes()
        path = write('a.jpg', data)
        found = SapiensLoadImage()(dict(img_path=path))['img']
        np.testing.assert_array_equal(found, mmcv.imread(path))


@pytest.mark.parametrize('mode', ['L', 'CMYK', 'RGB'])
def test_jpegs_of_other_colours(write, mode):
    buffer = io.BytesIO()
    picture = Image.fromarray(image_of()[..., ::-1]).convert(mode)
    picture.save(buffer, 'JPEG', keep_rgb=mode == 'RGB')
    path = write('a.jpg', buffer.getvalue())
    found = SapiensLoadImage()(dict(img_path=path))['img']
    np.testing.assert_array_equal(found, mmcv.imread(path))
    path = write('b.jpg', buffer.getvalue()[: len(buffer.getvalue()) // 2])
    with pytest.raises(BadFileError, match=r'b\.jpg is a broken or truncated'):
        SapiensLoadImage()(dict(img_path=path))


def test_a_image_that_is_there_is_taken():
    image = image_of()
    found = SapiensLoadImage()(dict(img=image))
    assert found['img'] is image
    assert sorted(found) == KEYS
    assert found['img_shape'] == found['ori_shape'] == HW
    assert found['img_path'] is None
    kept = SapiensLoadImage(to_float32=True)(dict(img=image, img_path='video/3'))
    assert kept['img'].dtype == np.float32 and kept['img_path'] == 'video/3'
    with pytest.raises(ValueError, match='img is a list'):
        SapiensLoadImage()(dict(img=image.tolist()))


def test_arguments(write):
    with pytest.raises(ValueError, match="color_type is 'grayscale'"):
        SapiensLoadImage(color_type='grayscale')
    with pytest.raises(ValueError, match="imdecode_backend is 'tifffile'"):
        SapiensLoadImage(imdecode_backend='tifffile')
    with pytest.raises(ValueError, match='max_pixels is 0'):
        SapiensLoadImage(max_pixels=0)
    path = write('a.png', encode(image_of(), 'PNG'))
    with pytest.raises(BadFileError, match=r'a\.png has 96 x 128 pixels'):
        SapiensLoadImage(max_pixels=12_000)(dict(img_path=path))
    assert SapiensLoadImage(max_pixels=12_288)(dict(img_path=path))['img'].any()
    missing = dict(img_path=path + 'x')
    with pytest.raises(BadFileError, match=r'a\.pngx does not exist'):
        SapiensLoadImage()(missing)
    assert SapiensLoadImage(ignore_empty=True)(missing) is None
    assert 'max_pixels=7)' in repr(SapiensLoadImage(max_pixels=7))


@fileio.register_backend('shelf_of_photos')
class Shelf(fileio.BaseStorageBackend):
    """Files in memory."""

    files: dict = {}  # noqa: RUF012  shared by all

    def get(self, filepath):
        if 'down' in filepath:
            raise ConnectionRefusedError(111, 'Connection refused')
        if 'key' in filepath:
            raise LookupError('no such account')
        return self.files.get(filepath)

    def get_text(self, filepath, encoding='utf-8'):
        raise NotImplementedError


def test_remote_storage():
    load = SapiensLoadImage(backend_args=dict(backend='shelf_of_photos'))
    image = image_of()
    Shelf.files = {
        'a.png': memoryview(encode(image, 'PNG')),
        'b.jpg': cut_short(),
        'c.jpg': b'',
    }
    np.testing.assert_array_equal(load(dict(img_path='a.png'))['img'], image)
    for path, match in {
        'b.jpg': 'broken or truncated',
        'c.jpg': 'is empty',
        'd.jpg': 'does not exist',
        'down.jpg': 'cannot be read: Connection refused',
    }.items():
        with pytest.raises(BadFileError, match=f'^{path} .*{match}'):
            load(dict(img_path=path))
    with pytest.raises(LookupError, match='no such account'):  # no fault of the file
        load(dict(img_path='key.jpg'))


@pytest.mark.filterwarnings('ignore:"file_client_args"')
def test_file_clients(write):
    path = write('a.png', encode(image_of(), 'PNG'))
    load = SapiensLoadImage(file_client_args=dict(backend='disk'))
    assert load(dict(img_path=path))['img_shape'] == HW
    with pytest.raises(BadFileError, match='x does not exist'):
        load(dict(img_path=path + 'x'))


def test_a_local_backend_of_the_user_s_own(write, monkeypatch):
    class Inverted(fileio.LocalBackend):
        def get(self, filepath):
            return bytes(255 - byte for byte in super().get(filepath))

    fileio.register_backend('inverted', Inverted, force=True)
    data = encode(image_of(), 'PNG')
    path = write('a.bin', bytes(255 - byte for byte in data))
    load = SapiensLoadImage(backend_args=dict(backend='inverted'))
    np.testing.assert_array_equal(load(dict(img_path=path))['img'], image_of())


# one training set of each task, of four images; the second will be spoilt
TASKS = {
    'pose': 'pose/sapiens_0.3b_coco17-1024x768',
    'seg': 'seg/sapiens_tiny_synth28-256x192',
    'depth': 'depth/sapiens_0.3b_render_people-1024x768',
    'normal': 'normal/sapiens_0.3b_render_people-1024x768',
    'mae': 'mae/sapiens_tiny_synth-256x256',
    'det': 'det/rtmdet_tiny_synth_person-320x320',
}
HOSTS = dict(pose='mmpose', mae='mmpretrain', det='mmdet')


def write_folder(root):
    """Write images with annotations, labels, depth, normals and masks."""
    for kind in ('photos', 'labels', 'depth', 'normal', 'mask'):
        (root / kind).mkdir()
    images, people = [], []
    for n in range(1, 5):
        person = fake_person(n, HW)
        there = person.labels > 0
        rows = np.arange(HW[0], dtype=np.float32)[:, None]
        depth = np.where(there, 2 + rows / 100, 0).astype(np.float32)
        normals = np.zeros((*HW, 3), np.float32)
        normals[there] = 0.0, 0.6, 0.8
        cv2.imwrite(str(root / f'photos/{n}.png'), image_of(n))
        cv2.imwrite(str(root / f'labels/{n}.png'), person.labels)
        cv2.imwrite(str(root / f'mask/{n}.png'), there * np.uint8(255))
        np.save(root / f'depth/{n}.npy', depth)
        np.save(root / f'normal/{n}.npy', normals)
        x1, y1, x2, y2 = person.box_xyxy.tolist()
        box = [x1, y1, x2 - x1, y2 - y1]
        points = np.hstack([person.keypoints, np.full((17, 1), 2)])
        images.append(dict(id=n, file_name=f'{n}.png', height=HW[0], width=HW[1]))
        people.append(
            dict(
                **dict(id=n, image_id=n, category_id=1, bbox=box, iscrowd=0),
                **dict(keypoints=points.ravel().tolist(), num_keypoints=17),
                area=box[2] * box[3] * 0.5,
            )
        )
    content = dict(images=images, annotations=people)
    content['categories'] = [dict(id=1, name='person')]
    (root / 'people.json').write_text(json.dumps(content))


def training_set(task, root, **changes):
    """Build the training set of a shipped config on the folder."""
    pytest.importorskip(HOSTS.get(task, 'mmseg'))
    cfg = Config.fromfile(sapiens_mm.config_path(TASKS[task]))
    spec = cfg.train_dataloader.dataset
    steps = [step['type'] for step in spec.pipeline]
    assert steps[0] == 'sapiens_mm.SapiensLoadImage'
    prefix = dict(img_path='photos')
    spec.update(data_root=str(root), **changes)
    if task in ('pose', 'det'):
        spec.update(ann_file='people.json')
        prefix = dict(img='photos/')
    elif task == 'mae':
        prefix = 'photos'
    elif task == 'seg':
        prefix['seg_map_path'] = 'labels'
    else:
        prefix.update(map_path=task, mask_path='mask')
    spec.data_prefix = prefix
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        return DATASETS.build(spec)


@pytest.mark.parametrize('task', TASKS)
def test_bad_images_in_every_training(task, tmp_path):
    write_folder(tmp_path)
    dataset = training_set(task, tmp_path)
    assert len(dataset) == 4
    assert dataset[1]['inputs'] is not None
    for name, (data, match) in BAD.items():
        (tmp_path / 'photos/2.png').write_bytes(data)
        with pytest.raises(BadFileError, match=rf'^\S+photos/2\.png .*{match}'):
            dataset[1]
        assert dataset[0]['inputs'] is not None, name


@pytest.mark.parametrize('task', ['seg', 'depth', 'normal'])
def test_bad_images_are_skipped_and_counted(task, tmp_path):
    write_folder(tmp_path)
    for number, (data, _) in enumerate(BAD.values(), 1):
        (tmp_path / f'photos/{number}.png').write_bytes(data)
    dataset = training_set(task, tmp_path, skip_bad=True)
    for _ in range(2):
        assert all(dataset[n]['inputs'] is not None for n in range(4))
    assert (dataset.num_bad, dataset.num_samples) == (3, 4)
    kept = training_set(task, tmp_path, skip_bad=True, test_mode=True)
    assert (len(kept), kept.num_bad) == (1, 3)


@pytest.mark.parametrize('host', ['mmseg', 'mmpose', 'mmpretrain', 'mmdet'])
def test_every_host_finds_it(host):
    pytest.importorskip(host)
    with DefaultScope.overwrite_default_scope(host):
        load = TRANSFORMS.build(dict(type='sapiens_mm.SapiensLoadImage'))
    assert type(load) is SapiensLoadImage
