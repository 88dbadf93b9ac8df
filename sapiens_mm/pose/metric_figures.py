"""The names of the figures that metrics of keypoints return; see ``engine.figures``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sapiens_mm.engine.figures import Figures, full_name, with_prefix
from sapiens_mm.engine.start_notes import data_of
from sapiens_mm.pose.annotation_sources import metric_class
from sapiens_mm.pose.keypoint_ap import PARTS, STAT_NAMES
from sapiens_mm.pose.keypoint_metric import OWN_PREFIX, PREFIXES
from sapiens_mm.pose.start_vocabulary import spoken_by
from sapiens_mm.tables import find_keypoint_table

if TYPE_CHECKING:
    from sapiens_mm.engine.start_notes import StartNotes


def figures_of(start: StartNotes, metric: Mapping) -> Figures | None:
    """Return the figures of mmpose's metrics and ours; None for others."""
    kind = metric_class(metric)
    name = full_name(kind) if kind else ''
    if metric.get('format_only'):
        return Figures(())
    if name in ('mmpose.CocoMetric', 'mmpose.CocoWholeBodyMetric'):
        names = STAT_NAMES
        if metric.get('iou_type') == 'keypoints_crowd':
            names = ('AP', 'AP .5', 'AP .75', 'AR', 'AR .5', 'AR .75')
            names += ('AP(E)', 'AP(M)', 'AP(H)')
        return Figures(with_prefix(metric, kind.default_prefix, names))
    if name == 'sapiens_mm.SapiensKeypointMetric':
        return _our_figures(start, metric)
    if name == 'mmpose.PCKAccuracy':
        items = metric.get('norm_item', 'bbox')
        items = [items] if isinstance(items, str) else list(items)
        short = {'bbox': 'PCK', 'head': 'PCKh', 'torso': 'tPCK'}
        names = tuple(short[item] for item in items)
        return Figures(with_prefix(metric, kind.default_prefix, names))
    simple = {'mmpose.AUC': 'AUC', 'mmpose.EPE': 'EPE', 'mmpose.NME': 'NME'}
    if name in simple:
        names = with_prefix(metric, kind.default_prefix, (simple[name],))
        return Figures(names, less=('EPE', 'NME'))
    return None


def _our_figures(start: StartNotes, metric: Mapping) -> Figures | None:
    if metric.get('common_keypoints') or metric.get('gt_converter'):
        return None  # the prefix counts what the file has in common
    prefix = metric.get('prefix')
    if prefix is None:
        val = dict(data_of(start.cfg)).get('val_dataloader')
        spoken = spoken_by('val_dataloader', val) if val is not None else None
        if spoken is None:
            return None
        ours = find_keypoint_table(spoken.names)
        prefix = PREFIXES[ours.num_keypoints] if ours else OWN_PREFIX
    parts = [*PARTS, 'hand', *(metric.get('groups') or ())]
    patterns = [f'{prefix}/{part}_{name}' for part in parts for name in ('AP', 'AR')]
    return Figures(tuple(f'{prefix}/{name}' for name in STAT_NAMES), tuple(patterns))
