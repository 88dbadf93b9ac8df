"""What is damaged: seeds of each kind of file, and what reading one may come to.

Each kind has ``seeds()``, whole files, and ``read(path)``, which returns a word about
what came of it: ``'read'``, or ``'told'`` for an error of one sentence. Anything else
is raised.
"""

from __future__ import annotations

import io
import json
import os
import random
import zipfile
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

MAX_SENTENCE = 1500  # characters, most of them of a path


def _sentence(error: Exception) -> str:
    text = str(error)
    if '\n' in text or len(text) > MAX_SENTENCE or not text.strip():
        raise AssertionError(f'not one sentence: {text[:300]!r}') from error
    return 'told'


class Images:
    """Images of every format, and how the models would see them."""

    suffix = '.jpg'

    @staticmethod
    def seeds() -> list[bytes]:
        from PIL import Image

        from sapiens_mm.testing import fake_person_image

        photo = fake_person_image(0, (96, 64))
        rgb = Image.fromarray(photo[:, :, ::-1])
        exif = Image.Exif()
        exif[0x0112] = 6
        grey = photo[..., 1]
        plans: list[tuple[Any, str, dict]] = [
            (rgb, 'JPEG', dict(quality=90, exif=exif)),
            (rgb, 'JPEG', dict(quality=50, progressive=True, subsampling=0)),
            (rgb.convert('L'), 'JPEG', {}),
            (rgb.convert('CMYK'), 'JPEG', {}),
            (rgb, 'PNG', dict(exif=exif)),
            (rgb.quantize(64), 'PNG', {}),
            (rgb.convert('LA'), 'PNG', {}),
            (Image.fromarray(grey.astype(np.uint16) * 256), 'PNG', {}),
            (rgb, 'WEBP', dict(quality=80)),
            (rgb.convert('RGBA'), 'WEBP', dict(lossless=True)),
            (rgb, 'BMP', {}),
            (rgb.quantize(16), 'BMP', {}),
            (rgb, 'TIFF', dict(compression='tiff_lzw')),
            (rgb, 'TIFF', {}),
            (Image.fromarray(np.float32(grey) / 255), 'TIFF', {}),
            (rgb, 'GIF', dict(save_all=True, append_images=[rgb.rotate(9)])),
            (rgb, 'PPM', {}),
            (rgb, 'JPEG2000', {}),
            (rgb, 'AVIF', dict(quality=60)),
        ]
        files = []
        for picture, form, options in plans:
            buffer = io.BytesIO()
            picture.save(buffer, form, **options)
            files.append(buffer.getvalue())
        return files

    @staticmethod
    def read(path: Path) -> str:
        from sapiens_mm.apis.images import ImageError, read_image

        try:
            image = read_image(path)
        except ImageError as error:
            return _sentence(error)
        assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
        assert image.size and image.flags.c_contiguous
        return 'read'


class Inferencers(Images):
    """The same images, through small models of the four tasks."""

    models: ClassVar[dict[str, Any]] = {}

    @classmethod
    def seeds(cls) -> list[bytes]:
        import torch

        from sapiens_mm import apis
        from sapiens_mm.testing import build_model, tiny_config

        for kind, name in (
            (apis.PoseInferencer, 'pose/sapiens_0.3b_coco17-1024x768'),
            (apis.SegInferencer, 'seg/sapiens_0.3b_goliath28-1024x768'),
            (apis.DepthInferencer, 'depth/sapiens_0.3b_render_people-1024x768'),
            (apis.NormalInferencer, 'normal/sapiens_0.3b_render_people-1024x768'),
        ):
            cfg = tiny_config(name)
            torch.save(build_model(cfg).state_dict(), 'weights.pth')
            cls.models[kind.__name__] = kind(cfg, 'weights.pth', device='cpu')
        return super().seeds()

    @classmethod
    def read(cls, path: Path) -> str:
        words = set()
        for model in cls.models.values():
            (result,) = model.run([path])
            if result.error:
                words.add(_sentence(ValueError(result.error)))
                continue
            words.add('read')
            for name in ('keypoints', 'labels', 'depth', 'normals'):
                values = getattr(result, name, None)
                assert values is None or np.isfinite(values).all()
        assert len(words) == 1, 'the tasks disagree about an image'
        return words.pop()


class Labels(Images):
    """Label images and masks."""

    suffix = '.png'

    @staticmethod
    def seeds() -> list[bytes]:
        from PIL import Image

        ids = np.random.RandomState(0).randint(0, 28, (64, 48)).astype(np.uint8)
        files = [cv2.imencode('.png', ids)[1].tobytes()]
        palette = Image.fromarray(ids)
        palette.putpalette(list(range(256)) * 3)
        for picture in (palette, Image.fromarray(ids > 9)):
            buffer = io.BytesIO()
            picture.save(buffer, 'PNG')
            files.append(buffer.getvalue())
        return files

    @staticmethod
    def read(path: Path) -> str:
        from sapiens_mm.apis.images import read_mask
        from sapiens_mm.data.files import BadFileError
        from sapiens_mm.seg.label_maps import decode_ids

        words = []
        for read in (
            lambda: decode_ids(path.read_bytes(), path),
            lambda: read_mask(path, (64, 48)),
        ):
            try:
                found = read()
                assert found.ndim == 2 and found.dtype in (np.uint8, bool)
                words.append('read')
            except BadFileError as error:
                words.append(_sentence(error))
        return max(words)


class Checkpoints:
    """Weights of every format; code in them would leave a file ``RAN``."""

    suffix = '.pth'

    @staticmethod
    def seeds() -> list[bytes]:
        import torch

        from sapiens_mm.checkpoints import write_checkpoint

        folder = Path('seeds_of_checkpoints')
        folder.mkdir(exist_ok=True)
        generator = torch.Generator().manual_seed(0)
        weights = {
            'backbone.patch_embed.projection.weight': torch.randn(
                8, 3, 4, 4, generator=generator
            ),
            'backbone.ln1.bias': torch.randn(8, generator=generator),
            'head.final_layer.weight': torch.randn(2, 8, 1, 1, generator=generator),
        }
        meta = dict(cfg="model = dict(type='A')", epoch=1, names=('a', 'b'))
        full = dict(state_dict=weights, meta=meta, optimizer=dict(lr=[0.1]))
        files = []
        for name, content, zipped in (
            ('a', full, True),
            ('b', weights, True),
            ('c', full, False),
        ):
            path = folder / f'{name}.pth'
            torch.save(content, path, _use_new_zipfile_serialization=zipped)
            files.append(path.read_bytes())
        write_checkpoint(folder / 'd.safetensors', weights, dict(epoch=3))
        files.append((folder / 'd.safetensors').read_bytes())
        half = folder / 'e.safetensors'
        write_checkpoint(half, weights, {}, dtype=torch.float16)
        files.append(half.read_bytes())
        return files + [_export(files[0])]

    @staticmethod
    def read(path: Path) -> str:
        import torch

        from sapiens_mm.checkpoints import (
            CheckpointError,
            identify,
            read_checkpoint,
            trained_config,
        )

        try:
            checkpoint = read_checkpoint(path)
            total = sum(float(v.double().sum()) for v in checkpoint.state_dict.values())
            identify(checkpoint.state_dict)
            trained_config(checkpoint)
            assert isinstance(total, float)
            assert all(
                isinstance(v, torch.Tensor) for v in checkpoint.state_dict.values()
            )
            word = 'read'
        except CheckpointError as error:
            word = _sentence(error)
        assert not os.path.exists('RAN'), 'code ran'
        return word


def _export(state: bytes) -> bytes:
    """An archive of ``torch.export`` as older releases wrote it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as archive:
        archive.writestr('serialized_exported_program.json', '{}')
        archive.writestr('serialized_state_dict.pt', state)
        archive.writestr('version', '5.1')
    return buffer.getvalue()


class Annotations:
    """Keypoint files, damaged as JSON and not as bytes."""

    suffix = '.json'

    @staticmethod
    def seeds() -> list[bytes]:
        import sapiens_mm.pose  # noqa: F401  takes seconds, which no case has

        rng = np.random.RandomState(0)
        files = []
        for count in (6, 17):
            images = [
                dict(id=n, file_name=f'{n}.jpg', width=150, height=200)
                for n in range(3)
            ]
            people = []
            for n in range(4):
                points = np.hstack([rng.uniform(20, 140, (count, 2)), [[2]] * count])
                people.append(
                    dict(
                        id=n,
                        image_id=n % 3,
                        category_id=1,
                        iscrowd=0,
                        bbox=[20, 20, 100, 150],
                        area=9000,
                        num_keypoints=count,
                        keypoints=points.round(1).ravel().tolist(),
                    )
                )
            category = dict(
                id=1, name='person', keypoints=[f'p{k}' for k in range(count)]
            )
            content = dict(images=images, annotations=people, categories=[category])
            files.append(json.dumps(content).encode())
        return files

    @staticmethod
    def damage(files: list[bytes], seed: int) -> bytes:
        """Change values of a file, so that it is JSON still."""
        rng = random.Random(seed)
        content = json.loads(rng.choice(files))
        for _ in range(rng.choice((1, 1, 2, 4))):
            place = content
            for _ in range(rng.choice((1, 2, 3, 3, 4))):
                keys = list(place) if isinstance(place, dict) else range(len(place))
                if not keys:
                    break
                key = rng.choice(list(keys))
                if not isinstance(place[key], (dict, list)):
                    break
                parent, place = place, place[key]
            else:
                place = parent
            if key in (place if isinstance(place, dict) else range(len(place))):
                _change(place, key, rng)
        return json.dumps(content).encode()

    @staticmethod
    def read(path: Path) -> str:
        from sapiens_mm.pose import check_annotations

        count = 6 if path.stat().st_size % 2 else 17
        try:
            check_annotations(path, count)
        except ValueError as error:
            return _sentence(error)
        return 'read'


def _change(place: Any, key: Any, rng: random.Random) -> None:
    value = place[key]
    odd = (None, True, -1, 0, 1e300, float('nan'), float('inf'), 2**70, '', 'text')
    choices = [*odd, [], {}, [value], [[value]], str(value), {'a': value}]
    what = rng.randrange(len(choices) + 3)
    if what < len(choices):
        place[key] = choices[what]
    elif isinstance(place, dict):
        if what == len(choices):
            del place[key]
        else:
            place[rng.choice(list(place))] = value
    elif what == len(choices):
        del place[key]
    else:
        place.append(value)


KINDS = dict(
    pictures=Images,
    inferencers=Inferencers,
    labels=Labels,
    checkpoints=Checkpoints,
    annotations=Annotations,
)
