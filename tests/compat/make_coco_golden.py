"""Make coco_golden.json from the original xtcocotools; run where that imports.

    pip install 'numpy<2' xtcocotools==1.14.3    # Python 3.10 or 3.11
    python tests/compat/make_coco_golden.py

Run by hand, not by the tests. The inputs are the seeds below and ``coco_cases.py``.
"""

import importlib.metadata
import json
import tempfile
from pathlib import Path

import coco_cases
from xtcocotools.coco import COCO
from xtcocotools.cocoeval import COCOeval

SEEDS = (0, 1)


def main():
    """Write the statistics of every seed, type and ``use_area``, one a line."""
    version = importlib.metadata.version('xtcocotools')
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in SEEDS:
            for missing_areas in (False, True):
                case = coco_cases.make_case(seed, missing_areas=missing_areas)
                for iou_type in coco_cases.TYPES:
                    # The original fails on use_area without areas, boxes excepted.
                    refused = missing_areas and iou_type != 'bbox'
                    for use_area in (False,) if refused else (False, True):
                        run = coco_cases.evaluate(
                            COCO, COCOeval, Path(folder), case, iou_type, use_area
                        )
                        stats = [round(float(value), 12) for value in run.stats]
                        inputs = [seed, missing_areas, iou_type, use_area]
                        lines.append(json.dumps([*inputs, stats]))
    path = Path(__file__).with_name('coco_golden.json')
    rows = ',\n'.join(lines)
    path.write_text(f'{{"xtcocotools": "{version}", "rows": [\n{rows}\n]}}\n')


if __name__ == '__main__':
    main()
