"""One list of suffixes for all who look for images, and what is on it can be read."""

import ast
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import sapiens_mm
from sapiens_mm.apis.images import find_images
from sapiens_mm.data.files import FileKind, match_files
from sapiens_mm.images import (
    IMAGE_SUFFIXES,
    LOSSLESS_MASK_SUFFIXES,
    MASK_SUFFIXES,
    decode_color,
    read_file,
)

PACKAGE = Path(sapiens_mm.__file__).parent


@pytest.mark.parametrize('suffix', IMAGE_SUFFIXES)
def test_every_suffix_is_of_a_image_that_is_read(suffix, tmp_path):
    kinds = {**Image.registered_extensions(), '.jfif': 'JPEG', '.dib': 'BMP'}
    kind = kinds.get(suffix)
    if suffix == '.avif' and kind not in Image.SAVE:
        pytest.skip('this Pillow writes no AVIF')
    path = tmp_path / f'a{suffix}'
    shape = (8, 9) if suffix in ('.pgm', '.pbm') else (8, 9, 3)
    Image.fromarray(np.full(shape, 200, np.uint8)).save(path, kind)
    assert decode_color(read_file(path), path).shape == (8, 9, 3)


def test_inference_and_training_find_the_same_files(tmp_path):
    for number, suffix in enumerate(IMAGE_SUFFIXES):
        (tmp_path / f'{number}{suffix}').write_bytes(b'x')
    (tmp_path / 'notes.txt').write_bytes(b'x')
    shown = {Path(p).name for p in find_images(tmp_path)}
    matches = match_files({'image': FileKind(str(tmp_path), IMAGE_SUFFIXES)})
    assert shown == {Path(s['image']).name for s in matches.samples}
    assert len(shown) == len(IMAGE_SUFFIXES)


def test_masks_without_a_threshold_have_no_losses():
    assert LOSSLESS_MASK_SUFFIXES == ('.png', '.npy')
    assert MASK_SUFFIXES[:2] == LOSSLESS_MASK_SUFFIXES and '.jpg' in MASK_SUFFIXES


def test_no_other_file_lists_them():
    owner = PACKAGE / 'images/suffixes.py'
    for path in PACKAGE.rglob('*.py'):
        if path == owner:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
                found = {e.value for e in node.elts if isinstance(e, ast.Constant)}
                assert not {'.jpg', '.jpeg'} <= found, path
