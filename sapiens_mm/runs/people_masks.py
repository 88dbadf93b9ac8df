"""On whose pixels image and video draw depth and normals: ``--mask``."""

from __future__ import annotations

from collections.abc import Sequence

from sapiens_mm.runs.jobs import Job
from sapiens_mm.tasks import MAP_TASKS


def pick_mask(wanted: str | None, jobs: Sequence[Job]) -> str | None:
    """Say where depth and normals take the people from that they are drawn on.

    Args:
        wanted: ``--mask``; ``'none'`` for everything. None takes the parts of the run,
            if it has them and their weights are not random.
        jobs: The models of the run.

    Returns:
        ``'seg'`` for the parts of the run, what was asked for, or None: everything.

    Raises:
        ValueError: If the parts of the run are asked for, and it has none.
    """
    parts = [job for job in jobs if job.task == 'seg']
    if wanted == 'seg' and not parts:
        raise ValueError("--mask seg needs the task 'seg' in the same run")
    if wanted is None and parts and parts[0].checkpoint is not None:
        return 'seg'
    return None if wanted == 'none' else wanted


def mask_sentence(wanted: str | None, jobs: Sequence[Job]) -> str:
    """Say on what depth and normals are drawn where the user did not; '' else."""
    tasks = {job.task for job in jobs}
    if wanted is not None or 'seg' not in tasks or not tasks & set(MAP_TASKS):
        return ''
    if pick_mask(wanted, jobs) == 'seg':
        return (
            'Depth and normals are drawn on the people that the parts show; '
            '--mask none draws them everywhere.'
        )
    return 'Depth and normals are drawn everywhere: random parts show no people.'
