"""One of two processes that evaluate five images together; see test_metric.py."""

import json
import os
import sys
from pathlib import Path

import torch.distributed as dist

import sapiens_mm  # noqa: F401  before any host: it patches them

folder, rank = Path(sys.argv[1]), int(os.environ['RANK'])
dist.init_process_group(
    'gloo', init_method=f'file://{folder}/meet', rank=rank, world_size=2
)

from test_metric import evaluate_share  # noqa: E402

(folder / f'{rank}.json').write_text(json.dumps(evaluate_share(rank)))
