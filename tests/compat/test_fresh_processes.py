"""Processes started by spawn and forkserver have the patches, before their work."""

import multiprocessing
import pickle
import pickletools
import sys

import pytest
from torch.utils.data import DataLoader

from sapiens_mm.compat import fresh_processes

METHODS = [
    m for m in ('spawn', 'forkserver') if m in multiprocessing.get_all_start_methods()
]
# exec is the work: what it prints is what the child has before any work of its own
PARENT = """
import multiprocessing, os, sys
import sapiens_mm
os.environ.pop('PYTHONPATH')  # what leads to us is on the parent's path alone
work = '''
import sys
us = sys.modules.get('sapiens_mm')
print(us is not None, us and us.__file__, flush=True)
'''
child = multiprocessing.get_context({method!r}).Process(target=exec, args=(work,))
child.start(); child.join()
print(child.exitcode, sapiens_mm.__file__)
"""
BLOCK = """
import sys
if '--multiprocessing-fork' in sys.orig_argv:
    sys.modules['sapiens_mm'] = None
"""


@pytest.mark.parametrize('method', METHODS)
def test_a_child_has_the_mends(run_python, method):
    lines = run_python(PARENT.format(method=method)).stdout.splitlines()
    told, file = lines[0].split()
    assert told == 'True'
    assert lines[1].split() == ['0', file]  # the parent's, wherever that is


@pytest.mark.parametrize('method', METHODS)
def test_a_child_without_the_patch(run_python, method):
    run = run_python(PARENT.format(method=method), disable='fresh_processes')
    assert run.stdout.startswith('False None\n0 ')


def test_a_child_that_cannot_import_us_works_on(run_python, fake_package):
    # a child reads sitecustomize too, but PYTHONPATH must lead it there
    parent = PARENT.replace("os.environ.pop('PYTHONPATH')", 'pass')
    fakes = fake_package({'sitecustomize.py': BLOCK})
    run = run_python(parent.format(method='spawn'), fakes=fakes)
    assert run.stdout.startswith('False None\n0 ')
    assert run.stderr == ''


def test_a_worker_reads_a_data_set_of_mmpose(tmp_path):
    datasets = pytest.importorskip('mmpose.datasets')
    path = tmp_path / 'one.json'
    path.write_text(
        '{"images": [{"id": 1, "file_name": "a.jpg", "width": 64, "height": 64}],'
        '"categories": [{"id": 1, "name": "person"}],'
        '"annotations": [{"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0,'
        '"bbox": [8, 8, 40, 40], "area": 1600, "num_keypoints": 17, "keypoints": '
        f'{[20, 20, 2] * 17}}}]}}'
    )
    data = datasets.CocoDataset(ann_file=str(path), pipeline=[])
    loader = DataLoader(
        data, batch_size=None, num_workers=1, multiprocessing_context='spawn'
    )
    assert [tuple(sample['keypoints'].shape) for sample in loader] == [(1, 17, 2)]


def test_the_key_names_nothing_of_ours():
    packed = pickle.dumps(fresh_processes._ImportUs(['/made/up']))
    for opcode, argument, _ in pickletools.genops(packed):
        if 'GLOBAL' in opcode.name:
            assert 'sapiens_mm' not in str(argument)
    before = list(sys.path)
    assert pickle.loads(packed) is None  # imports us: we are there
    assert sys.path == before
