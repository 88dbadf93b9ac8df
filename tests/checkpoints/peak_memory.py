"""Load a checkpoint in a process of its own and print its peak resident memory.

    python tests/checkpoints/peak_memory.py FILE MODEL

MODEL is 'small' or '2b'. Prints, in bytes: resident before loading, when a tiny
model has been loaded so that all code is there; the highest since; size of the file.
"""

import re
import sys
from pathlib import Path

from checkpoint_util import Holder, official_shapes, tiny_shapes, tiny_weights

from sapiens_mm.checkpoints import load_into_new

MODELS = {
    'small': tiny_shapes(rows=3072, dim=1024, depth=4),
    '2b': official_shapes('2b', 'pose', 17),
}


def resident_bytes(kind: str) -> int:
    # VmHWM and not ru_maxrss: that one starts at the size of the parent
    status = Path('/proc/self/status').read_text()
    return int(re.search(rf'{kind}:\s+(\d+) kB', status)[1]) * 1024


def main() -> None:
    path, shapes = Path(sys.argv[1]), MODELS[sys.argv[2]]
    load_into_new(lambda: Holder(tiny_shapes()), tiny_weights())
    Path('/proc/self/clear_refs').write_text('5')  # the peak starts anew from here
    before = resident_bytes('VmRSS')
    model, report = load_into_new(lambda: Holder(shapes), path)
    assert report.is_complete and len(report.loaded) == len(shapes)
    assert not any(parameter.is_meta for parameter in model.parameters())
    print(before, resident_bytes('VmHWM'), path.stat().st_size)


if __name__ == '__main__':
    main()
