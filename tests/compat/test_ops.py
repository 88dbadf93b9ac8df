"""The patch of ``mmcv.ops`` as a whole: when it acts, and what it does not serve."""

from pathlib import Path

import pytest

from sapiens_mm.compat import ops as patch

mmcv = pytest.importorskip('mmcv')

SCRIPT = """
import torch
from mmcv.ops import nms
boxes = torch.tensor([[0., 0, 9, 9], [0, 0, 9, 8], [20, 0, 29, 9]])
print(nms(boxes, torch.tensor([.7, .8, .9]), 0.5)[1].tolist())
"""
ASK = """
import sapiens_mm.compat
import mmcv._ext
print(mmcv._ext.nms.__module__)
print(sapiens_mm.compat._installed['ops'].describe())
"""
COMPILED = 'def nms(): pass'


@pytest.fixture
def fake_mmcv(tmp_path):
    """Write the installed mmcv with another extension, or with none, into a folder."""

    def write(extension=None):
        folder = tmp_path / 'fakes' / 'mmcv'
        folder.mkdir(parents=True)
        for path in Path(mmcv.__file__).parent.iterdir():
            if not path.name.startswith('_ext.'):
                (folder / path.name).symlink_to(path)
        if extension is not None:
            (folder / '_ext.py').write_text(extension)
        return folder.parent

    return write


def test_without_extension(run_python, fake_mmcv, tmp_path):
    fakes = fake_mmcv()
    script = tmp_path / 'script.py'
    script.write_text(SCRIPT)
    command = ('-m', 'sapiens_mm', script)
    without = run_python(None, *command, disable='ops', fakes=fakes)
    assert "No module named 'mmcv._ext'" in without.stderr
    assert run_python(None, *command, fakes=fakes).stdout == '[2, 1]\n'


def test_stands_aside_for_the_real_extension(run_python, fake_mmcv):
    lines = run_python(ASK, fakes=fake_mmcv(COMPILED)).stdout.splitlines()
    assert lines == ['mmcv._ext', 'stands aside: the real mmcv._ext imports']


def test_broken_extension_counts_as_absent(run_python, fake_mmcv):
    fakes = fake_mmcv('raise ImportError("_ext.so: undefined symbol: _ZN3c10")')
    lines = run_python(ASK, fakes=fakes).stdout.splitlines()
    reason = 'ImportError: _ext.so: undefined symbol: _ZN3c10'
    served = f'active: serves mmcv._ext ({reason})'
    assert lines == ['sapiens_mm.compat.mmcv_ext.boxes', served]


def test_serves_what_mmcv_calls():
    extension = patch.make_extension()
    for names in patch.SERVED.values():
        for name in names:
            assert getattr(extension, name).__module__.startswith('sapiens_mm.')
    assert 'torchvision' in extension.get_compiler_version()
    assert isinstance(extension.get_compiling_cuda_version(), str)


def test_other_operators_say_what_to_install():
    extension = patch.make_extension()
    with pytest.raises(RuntimeError, match="'carafe_forward' .* full mmcv"):
        extension.carafe_forward(1, stride=2)
    with pytest.raises(AttributeError):
        extension.__path__  # noqa: B018
