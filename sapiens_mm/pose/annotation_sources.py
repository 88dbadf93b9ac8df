"""Which annotation files a run reads, who reads them and what it asks of them.

Works on data sets and metrics that are built, and on their configs: mmpose reads a file
while it builds the data set, and what it stumbles over there, it does not name.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mmengine.registry import DATASETS, METRICS
from mmpose.datasets import CocoWholeBodyDataset
from mmpose.datasets.datasets import BaseCocoStyleDataset
from mmpose.evaluation.metrics import CocoMetric, CocoWholeBodyMetric

from sapiens_mm.compat.coco_eval import serves_ours
from sapiens_mm.data.files import BadFileError
from sapiens_mm.pose.annotation_check import check_annotations
from sapiens_mm.pose.annotation_needs import COCO, GOLIATH, WHOLEBODY, Evaluation, Use
from sapiens_mm.pose.annotation_report import Report
from sapiens_mm.pose.goliath_dataset import SapiensGoliathDataset
from sapiens_mm.pose.keypoint_metric import SapiensKeypointMetric
from sapiens_mm.pose.min_keypoints import SapiensMinKeypoints, usual_minimum
from sapiens_mm.vocabulary import class_of

_READERS = {
    SapiensGoliathDataset: GOLIATH,
    CocoWholeBodyDataset: WHOLEBODY,
    BaseCocoStyleDataset: COCO,
}
_LOADERS = ('SapiensLoadImage', 'LoadImage', 'LoadImageFromFile')
_TURNING = ('cv2', 'pillow')  # readers that apply the EXIF orientation


@dataclass(frozen=True)
class Leaf:
    """A data set without wrappers.

    Attributes:
        dataset: Built, perhaps without reading its file; or its config, if it is not
            one of a file that we understand.
        steps: Of its pipeline and those of its wrappers; transforms or configs.
    """

    dataset: Any
    steps: tuple[Any, ...] = ()

    @property
    def name(self) -> str:
        """Name of the class."""
        return class_name(self.dataset)


@dataclass(frozen=True)
class Source:
    """An annotation file of a run.

    Attributes:
        path: The file.
        num_keypoints: K.
        reader: Who reads it, one of ``annotation_needs.READERS``.
        image_root: Folder that the names of images start from; None: do not look.
        use: What the run does with it.
    """

    path: str
    num_keypoints: int
    reader: str
    image_root: str | None
    use: Use


# the checks of a start and the hook of its run ask for the same files
_reports: dict[tuple, Report] = {}


def read_source(source: Source, local_path: str | None = None) -> Report:
    """Check a file, once a process as long as it does not change.

    Args:
        source: The file and its use.
        local_path: A copy on this machine, if it lies elsewhere.

    Returns:
        The report, also where it has errors.

    Raises:
        BadFileError: If it does not exist, or the host's reader cannot read it.
        ValueError: If it is no annotation file.
        OSError: If it cannot be read.
    """
    path = local_path or source.path
    if not os.path.isfile(path):
        raise BadFileError(f'the annotation file {path} does not exist')
    if _has_mark(path) and not serves_ours():
        raise BadFileError(
            f'{path} begins with a byte order mark, which the xtcocotools installed '
            'here does not read: save it as UTF-8 without one'
        )
    stat = os.stat(path)
    key = (source, path, stat.st_mtime_ns, stat.st_size)
    if key not in _reports:
        _reports[key] = check_annotations(
            path,
            source.num_keypoints,
            source.image_root,
            strict=False,
            reader=source.reader,
            use=source.use,
        )
    return _reports[key]


def built_leaves(dataset: Any, steps: tuple[Any, ...] = ()) -> Iterator[Leaf]:
    """Yield the data sets inside wrappers, which have ``datasets`` or ``dataset``."""
    steps += tuple(getattr(getattr(dataset, 'pipeline', None), 'transforms', ()))
    inner = getattr(dataset, 'datasets', None)
    if inner is None:
        inner = [dataset.dataset] if hasattr(dataset, 'dataset') else None
    if inner is None:
        yield Leaf(dataset, steps)
    else:
        for each in inner:
            yield from built_leaves(each, steps)


def config_leaves(cfg: Mapping, steps: tuple[Any, ...] = ()) -> Iterator[Leaf]:
    """Yield the same of a config; those that we understand are built, but not read.

    Needs the default scope of the config.
    """
    steps += tuple(cfg.get('pipeline') or ())
    inner = cfg.get('datasets') or ([cfg['dataset']] if cfg.get('dataset') else None)
    if inner is not None:
        for each in inner:
            yield from config_leaves(each, steps)
        return
    kind = class_of(cfg.get('type'))
    if kind is None or reader_of(kind) is None:
        yield Leaf(cfg, steps)
    else:
        # unread: mmpose would stumble over a record without naming it
        lazy = dict(lazy_init=True, pipeline=[])
        with DATASETS.switch_scope_and_registry(None) as registry:
            yield Leaf(registry.build({**cfg, **lazy}), steps)


def reader_of(kind: type) -> str | None:
    """Return who reads the file of a class of data sets; None: not one of ours.

    Subclasses count as long as they read files and records as their parent does.
    """
    for base, reader in _READERS.items():
        if issubclass(kind, base):
            same = all(
                getattr(kind, name) is getattr(base, name)
                for name in ('load_data_list', '_load_annotations', 'parse_data_info')
            )
            return reader if same else None
    return None


def file_keypoints(dataset: Any) -> int | None:
    """Return how many keypoints the file of a data set has; None: not one of ours."""
    if isinstance(dataset, Mapping) or reader_of(type(dataset)) is None:
        return None
    own = getattr(dataset, 'file_keypoints', None)
    return own or dataset.metainfo.get('num_keypoints')


def source_of(leaf: Leaf, use: Use, check_images: bool = True) -> Source | None:
    """Return the file of a data set; None if it has none that we understand.

    Args:
        leaf: The data set.
        use: What the run does with it; what its pipeline says is filled in.
        check_images: Whether to look for the images.
    """
    dataset = leaf.dataset
    num_keypoints = file_keypoints(dataset)
    if num_keypoints is None or not dataset.ann_file:
        return None
    root = dataset.data_prefix.get('img') if check_images else None
    least = 1
    for step in leaf.steps:
        if class_name(step) == SapiensMinKeypoints.__name__ and use.trained:
            asked = argument(step, 'min_keypoints')
            least = asked or usual_minimum(dataset.metainfo['num_keypoints'])
        if class_name(step) in _LOADERS:
            turns = argument(step, 'imdecode_backend', 'cv2') in _TURNING
            color = argument(step, 'color_type', 'color')
            use = replace(use, turns_images=turns and color in ('color', 'grayscale'))
    use = replace(use, min_keypoints=least, top_down=dataset.data_mode == 'topdown')
    if use.evaluated is not None and dataset.bbox_file:
        use = replace(use, evaluated=replace(use.evaluated, detected=True))
    reader = reader_of(type(dataset))
    return Source(dataset.ann_file, num_keypoints, reader, root, use)


def class_name(step: Any) -> str:
    """Return the class name of a transform or data set, or of its config."""
    if isinstance(step, Mapping):
        kind = step.get('type', '')
        return kind.rpartition('.')[2] if isinstance(kind, str) else kind.__name__
    return type(step).__name__


def argument(thing: Any, name: str, default: Any = None) -> Any:
    """Return an argument of something that is built, or of its config."""
    if isinstance(thing, Mapping):
        return thing.get(name, default)
    return getattr(thing, name, default)


def metric_class(metric: Any) -> type | None:
    """Return the class of a metric or of its config; None for an unknown one."""
    if not isinstance(metric, Mapping):
        return type(metric)
    kind = metric.get('type')
    if isinstance(kind, str):
        with METRICS.switch_scope_and_registry(None) as registry:
            kind = registry.get(kind)
    return kind if isinstance(kind, type) else None


def evaluation_of(metric: Any) -> Evaluation | None:
    """Return what a metric asks of its annotation file; None: not one of ours.

    Args:
        metric: Built, or its config.
    """
    kind = metric_class(metric)
    # these alone: a class made from them may ask for something else
    hosts = (CocoMetric, CocoWholeBodyMetric)
    known = kind in hosts or kind is SapiensKeypointMetric
    if not known or argument(metric, 'format_only', False):
        return None
    ours = kind is SapiensKeypointMetric
    return Evaluation(
        name=kind.__name__,
        use_area=argument(metric, 'use_area', True),
        by_category=not ours,
        by_crowding=argument(metric, 'iou_type', 'keypoints') == 'keypoints_crowd',
        fills_blanks=ours or serves_ours(),
    )


def sources_of(
    train: Sequence[Leaf],
    val: Sequence[Leaf],
    metrics: Sequence[Any],
    check_images: bool = True,
) -> list[Source | Leaf]:
    """Return the files of a run, each use once, and the data sets without.

    Args:
        train: Data sets of the training.
        val: Of the validation.
        metrics: Of the validation; their files count, too.
        check_images: Whether to look for the images.
    """
    needs = [(argument(m, 'ann_file'), evaluation_of(m)) for m in metrics]
    by_file = {_place(path): need for path, need in needs if path and need}
    # a metric without a file of its own takes that of the data set
    general = next((need for path, need in needs if need and not path), None)
    found = [source_of(leaf, Use(trained=True), check_images) or leaf for leaf in train]
    validated = []
    for leaf in val:
        source = source_of(leaf, Use(), check_images)
        need = by_file.pop(_place(source.path), general) if source else None
        if need is not None:
            source = source_of(leaf, Use(evaluated=need), check_images)
        validated.append(source or leaf)
    pattern = next((each for each in validated if isinstance(each, Source)), None)
    for path, need in by_file.items() if pattern is not None else ():
        use = replace(pattern.use, evaluated=need)
        validated.append(replace(pattern, path=path, image_root=None, use=use))
    unique: list[Source | Leaf] = []
    for each in found + validated:
        if each not in unique:
            unique.append(each)
    return unique


def _place(path: str | os.PathLike) -> str:
    return os.path.abspath(path)


def _has_mark(path: str | os.PathLike) -> bool:
    with open(path, 'rb') as file:
        return file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8
