"""What an image of 4000 x 3000 costs beyond the network: memory and time."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip('mmseg')

ROOT = Path(__file__).parents[2]
IMAGE_HW = (3000, 4000)
# a byte for each of the 28 logits of each pixel; in float32 they take four times that
LIMIT_BYTES = 28 * 3000 * 4000

pytestmark = pytest.mark.skipif(
    sys.platform != 'linux', reason='reads /proc/self/status'
)


def measure(*words):
    script = str(Path(__file__).with_name('seg_cost.py'))
    result = subprocess.run(
        [sys.executable, script, *map(str, words), *map(str, IMAGE_HW)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {'PYTHONPATH': str(ROOT)},
    )
    return json.loads(result.stdout)


@pytest.mark.parametrize('mode', ['whole', 'person'])
def test_memory_beyond_the_model(mode):
    """The network is tiny, but its logits have the true size of 28 x 512 x 384."""
    found = measure('tiny', 'float32', mode)
    # the image and its labels alone take four bytes a pixel
    assert 4 * IMAGE_HW[0] * IMAGE_HW[1] < found['image_bytes'] < LIMIT_BYTES


@pytest.mark.slow
def test_time_and_memory_of_the_smallest_model():
    found = measure('0.3b', 'float32', 'whole')
    print(found)
    assert found['image_s'] < 1.3 * found['network_s']
    assert found['image_bytes'] < found['network_bytes'] + LIMIT_BYTES
