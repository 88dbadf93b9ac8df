"""Segment an image in a process of its own; print what it and the network cost.

    python tests/apis/seg_cost.py SIZE DTYPE MODE H W

SIZE is 'tiny' or '0.3b', MODE 'whole' or 'person' (three crops). Prints JSON of the
network on an input that is ready, and of the whole call: seconds of the one thread
used, which other programs do not lengthen; and the peak of the resident memory, the
image included, above what there was before.
"""

import ctypes
import json
import re
import sys
import time
import warnings
from pathlib import Path

import cv2
import numpy as np
import torch

import sapiens_mm  # noqa: F401  before any host: it patches them
from sapiens_mm.apis import SegInferencer
from sapiens_mm.testing import fake_person_image, tiny_config

NAME = 'seg/sapiens_0.3b_goliath28-1024x768'
# shares of the image
PERSONS = np.array([[0, 0, 0.5, 1], [0.3, 0.1, 0.7, 0.9], [0.6, 0, 1, 1]])


def resident_bytes(kind: str) -> int:
    # VmHWM and not ru_maxrss: that one starts at the size of the parent
    status = Path('/proc/self/status').read_text()
    return int(re.search(rf'{kind}:\s+(\d+) kB', status)[1]) * 1024


def cost_of(call) -> tuple[float, int]:
    """Return CPU seconds and the highest resident size while ``call`` runs."""
    Path('/proc/self/clear_refs').write_text('5')  # the peak starts anew from here
    start = time.process_time()
    call()
    return time.process_time() - start, resident_bytes('VmHWM')


def main() -> None:
    size, dtype, mode, height, width = sys.argv[1:]
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    warnings.simplefilter('ignore')  # random weights
    config = tiny_config(NAME, (1024, 768)) if size == 'tiny' else NAME
    seg = SegInferencer(config, device='cpu', dtype=dtype, mode=mode)
    seg(fake_person_image(0, (64, 48)))  # code and the allocator's first pages
    inputs = torch.randn(1, 3, 1024, 768)

    def network() -> None:
        with torch.inference_mode():
            seg.network(inputs, [{}])

    # what the first call freed may still be resident, and would hide as much later
    ctypes.CDLL(None).malloc_trim(0)
    before = resident_bytes('VmRSS')
    network_s, network_peak = cost_of(network)
    shape = int(height), int(width), 3
    photo = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    sides = np.array([shape[1], shape[0]] * 2)
    given = {'boxes': PERSONS * sides} if mode == 'person' else {}
    image_s, image_peak = cost_of(lambda: seg(photo, **given))
    found = dict(network_s=network_s, network_bytes=network_peak - before)
    found |= dict(image_s=image_s, image_bytes=image_peak - before)
    print(json.dumps(found))


if __name__ == '__main__':
    main()
