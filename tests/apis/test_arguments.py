"""Arguments of other types than they should have: a sentence, before anything runs."""

import numpy as np
import pytest
import torch

pytest.importorskip('mmseg')

from sapiens_mm.apis import DepthInferencer
from sapiens_mm.apis.build import check_batch_size, pick_device, pick_dtype
from sapiens_mm.apis.label_cleanup import CleanUp
from sapiens_mm.apis.tiling import check_tiling
from sapiens_mm.saving.point_cloud import CloudOptions


@pytest.mark.parametrize('device', ['mps', 'xpu', 'cuda:99', torch.device('mps')])
def test_devices_that_are_not_there(device):
    with pytest.raises(ValueError, match=r'is not available here \(.+\); use cpu'):
        pick_device(device)


@pytest.mark.parametrize('device', ['toaster', 0, True, [], object()])
def test_what_is_no_device(device):
    with pytest.raises(ValueError, match="device must be like 'cpu'"):
        pick_device(device)


def test_devices():
    with pytest.raises(ValueError, match="device 'meta' holds no numbers"):
        pick_device('meta')
    assert pick_device('cpu') == pick_device(torch.device('cpu')) == torch.device('cpu')


@pytest.mark.parametrize('size', ['4', 1.0, 2.5, True, [1], (8,)])
def test_batch_sizes_that_are_none(size):
    with pytest.raises(ValueError, match='batch_size must be a whole number, got'):
        DepthInferencer(batch_size=size)


def test_batch_sizes():
    assert check_batch_size(None) is None
    assert check_batch_size(np.int64(3)) == 3
    with pytest.raises(ValueError, match='at least 1, got 0'):
        check_batch_size(0)


@pytest.mark.parametrize('dtype', ['int8', torch.int8, ['float32'], 16, {}])
def test_dtypes_that_are_none(dtype):
    with pytest.raises(ValueError, match='dtype must be one of'):
        pick_dtype(dtype, torch.device('cpu'))


def test_options_of_other_types():
    for overlap in ('0.25', None, [0.2]):
        with pytest.raises(ValueError, match='tile_overlap must be 0.1 to 0.5'):
            check_tiling(512, overlap)
    for options in (dict(keep='0.1'), dict(max_hole=None), dict(min_area='5')):
        with pytest.raises(ValueError, match=f'cleanup: {next(iter(options))} must be'):
            CleanUp.from_user(options)
    for options in (dict(near='1'), dict(fov_deg='55'), dict(span=[1]), dict(step='2')):
        with pytest.raises(ValueError, match=f'{next(iter(options))} must be'):
            CloudOptions(**options)
