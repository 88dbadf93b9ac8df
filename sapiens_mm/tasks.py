"""The names that commands, configs and files share; light enough for any start."""

from __future__ import annotations

TASKS = ('pose', 'seg', 'depth', 'normal')
"""What the inferencers do, in the order in which results are shown."""

MAP_TASKS = ('depth', 'normal')
"""Tasks whose result is a number or vector a pixel."""

SIZES = ('0.3b', '0.6b', '1b', '2b')
"""Released sizes of the encoder, by their number of parameters."""

DTYPES = ('float32', 'bfloat16', 'float16')
"""Types in which a model may run."""

KEYPOINT_COUNTS = (17, 133, 308)
"""Released vocabularies of keypoints: COCO, COCO-WholeBody, Goliath."""

SPLITS = ('train', 'val', 'test')
"""Parts of a data set: of configs, and of what the generator writes."""
