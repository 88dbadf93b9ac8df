"""What a training of depth or normals is checked for before it starts.

See ``engine.start``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sapiens_mm.engine.figures import Figures, with_prefix
from sapiens_mm.engine.start_notes import data_of, metrics_of
from sapiens_mm.geometry.map_errors import DEPTH_NAMES, NORMAL_NAMES

if TYPE_CHECKING:
    from sapiens_mm.engine.start_notes import StartNotes

_OTHER = {'depth': 'Normal', 'normal': 'Depth'}
_COUNTS = ('num_images', 'num_left_out', 'num_unknown_pixels')


def fit_config(start: StartNotes) -> None:
    """Compare the kind of maps of the data with the head and the metrics.

    Raises:
        ValueError: If one is for depth and another for normals; one sentence.
    """
    for key, dataset in data_of(start.cfg):
        kind = _kind_of(dataset)
        if kind is None:
            continue
        if key == 'train_dataloader':
            start.task = 'relative depth' if kind == 'depth' else 'surface normals'
        head = (start.cfg.get('model') or {}).get('decode_head') or {}
        things = {'model.decode_head': head}
        if key == 'val_dataloader':
            metrics = metrics_of(start.cfg)
            things |= {f'val_evaluator[{n}]': m for n, m in enumerate(metrics)}
        for where, thing in things.items():
            name = _our_name(thing)
            if name.startswith(f'Sapiens{_OTHER[kind]}'):
                raise ValueError(f'{where} is {name}, the maps of {key} are of {kind}')


def _kind_of(dataset: Mapping[str, Any]) -> str | None:
    """Return ``'depth'`` or ``'normal'``; None if the data set is not one of maps."""
    inner = dataset.get('datasets') or [dataset.get('dataset')]
    if isinstance(inner[0], Mapping):
        return _kind_of(inner[0])
    kind = dataset.get('kind')
    return kind if kind in _OTHER else None


def _our_name(thing: Mapping[str, Any]) -> str:
    kind = thing.get('type', '')
    return str(kind).rpartition('.')[2] if isinstance(kind, str) else kind.__name__


def figures_of(start: StartNotes, metric: Mapping[str, Any]) -> Figures | None:
    """Return the figures of our metrics of maps; None for others."""
    kinds = {
        'SapiensDepthMetric': ('depth', DEPTH_NAMES),
        'SapiensNormalMetric': ('normal', NORMAL_NAMES),
    }
    found = kinds.get(_our_name(metric))
    if found is None:
        return None
    prefix, names = found
    less = tuple(n for n in names if not n.startswith(('delta', 'within')))
    more = (*_COUNTS, *(f'*/{name}' for name in names))  # of groups
    return Figures(
        with_prefix(metric, prefix, names), with_prefix(metric, prefix, more), less
    )
