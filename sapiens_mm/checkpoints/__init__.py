"""Weights: read them, tell what they are, bring them into models, find them.

Needs torch; downloads from the hub need huggingface_hub.
"""

from sapiens_mm.checkpoints.average import average_state_dicts
from sapiens_mm.checkpoints.bundled import (
    BundledModel,
    bundled_for,
    find_bundled,
    is_bundled,
)
from sapiens_mm.checkpoints.errors import CheckpointError
from sapiens_mm.checkpoints.identify import Identity, explain_mismatch, identify
from sapiens_mm.checkpoints.keys import canonical_names, select_part, to_ours
from sapiens_mm.checkpoints.load import load_into_new, load_weights
from sapiens_mm.checkpoints.locate import resolve
from sapiens_mm.checkpoints.read import Checkpoint, read_checkpoint
from sapiens_mm.checkpoints.report import LoadReport
from sapiens_mm.checkpoints.trained_config import (
    carried_meta,
    check_data_sources,
    trained_config,
)
from sapiens_mm.checkpoints.write import write_checkpoint
from sapiens_mm.checkpoints.zoo import (
    ReleasedFile,
    find_released,
    released_files,
)

__all__ = [
    'BundledModel',
    'Checkpoint',
    'CheckpointError',
    'Identity',
    'LoadReport',
    'ReleasedFile',
    'average_state_dicts',
    'bundled_for',
    'canonical_names',
    'carried_meta',
    'check_data_sources',
    'explain_mismatch',
    'find_bundled',
    'find_released',
    'identify',
    'is_bundled',
    'load_into_new',
    'load_weights',
    'read_checkpoint',
    'released_files',
    'resolve',
    'select_part',
    'to_ours',
    'trained_config',
    'write_checkpoint',
]
