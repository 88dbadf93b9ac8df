"""Images with a label image each: 28, 20 or 19 parts, or classes of one's own."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from mmengine.fileio import exists, list_from_file
from mmengine.logging import print_log
from mmseg.datasets import BaseSegDataset

from sapiens_mm.data.bad_samples import SkipBadSamples
from sapiens_mm.data.files import (
    BadFileError,
    FileKind,
    FileMatches,
    fill_pattern,
    match_files,
    read_capture_index,
)
from sapiens_mm.images import IMAGE_SUFFIXES
from sapiens_mm.registry import DATASETS
from sapiens_mm.seg.label_maps import LABEL_SOURCES, check_label_map, check_sample
from sapiens_mm.tables import part_table, part_table_from_metainfo


@DATASETS.register_module()
class SapiensPartDataset(SkipBadSamples, BaseSegDataset):
    """Folders of images and label images of equal names.

    LIP, CIHP, FaceSynthetics and Goliath's PNGs differ in folders, names and classes,
    which are arguments; ``docs/seg.md`` shows the layouts. The host's class takes a
    label's existence for granted, knows one suffix of images, cannot keep images and
    labels in one folder, and its classes cannot be brought to ours by a config. Samples
    are sorted by name, or as ``ann_file`` lists them. Files that match nothing are
    named in the log, all of them in ``matches.report()``.

    Args:
        parts: Classes of the model: ``goliath28``, ``lip20``, ``cihp20``, ``face19``;
            None for those of ``metainfo``.
        source: Classes of the label images if they are to be mapped to
            ``goliath28``: ``goliath34``, ``lip20``, ``cihp20``, ``atr18`` or
            ``pascal25``.
        label_map: Of files with other ids: id in the files -> class, or 255 for no
            label. ``{0: 0, 255: 1}`` reads masks of 0 and 255 as two classes.
        label_ending: What a label's name has before its suffix, beyond the image's.
        img_suffix: Suffixes of images, lower case.
        seg_map_suffix: Suffixes of labels.
        skip_bad: Leave out samples whose files cannot be used instead of stopping.
        metainfo: For ``parts=None``: ``classes``; ``palette`` (RGB), generated if left
            out; ``mirror_pairs``, which classes trade places in a mirror, by name.
        **kwargs: ``data_root``, ``data_prefix`` (``img_path``, ``seg_map_path``),
            ``ann_file`` (a name a line), ``pipeline``, ``test_mode`` and others of
            ``BaseSegDataset``.

    Raises:
        ValueError: If classes are unknown, a folder is missing or nothing matches; when
            a sample is read, one sentence that names the bad file.
    """

    DEFAULT_PARTS: ClassVar[str | None] = None

    def __init__(
        self,
        parts: str | None = None,
        *,
        source: str | None = None,
        label_map: Mapping[int, int] | None = None,
        label_ending: str = '',
        img_suffix: str | tuple[str, ...] = IMAGE_SUFFIXES,
        seg_map_suffix: str | tuple[str, ...] = '.png',
        skip_bad: bool = False,
        metainfo: dict | None = None,
        **kwargs: Any,
    ) -> None:
        metainfo = _metainfo(parts, metainfo)
        if source is not None and label_map is not None:
            raise ValueError(f'source={source!r} maps ids; leave label_map out')
        self._source_map = _source_map(source, parts)
        if label_map is not None:
            self._source_map = check_label_map(label_map, len(metainfo['classes']))
        self.label_ending = label_ending
        self.skip_bad = skip_bad
        self.matches = FileMatches((), {})
        super().__init__(
            img_suffix=_as_tuple(img_suffix),
            seg_map_suffix=_as_tuple(seg_map_suffix),
            metainfo=metainfo,
            **kwargs,
        )
        if self.reduce_zero_label:
            raise ValueError('reduce_zero_label would drop class 0, the background')
        # of the files alone; ConcatDataset wants the same metadata of all its data sets
        self._metainfo['label_map'] = None

    @classmethod
    def metainfo_for(cls, cfg: Mapping[str, Any]) -> dict:
        """Return the metainfo of a data set by its config."""
        parts = cfg.get('parts', cls.DEFAULT_PARTS)
        metainfo = _metainfo(parts, cfg.get('metainfo'))
        return metainfo if parts is None else dict(metainfo, dataset_name=parts)

    def get_label_map(self, new_classes: Any = None) -> dict[int, int] | None:
        """Return class of the files -> class of the model, or None if they are one."""
        del new_classes  # the host compares them with a class attribute
        return self._source_map

    def load_data_list(self) -> list[dict[str, Any]]:
        """Match images and labels; log what is left out."""
        matches = self.match()
        self.matches = replace(matches, samples=())  # they are in the list
        summary = matches.summary()
        if summary:
            message = f'{type(self).__name__}: {summary}'
            print_log(message, logger='current', level=logging.WARNING)
        common = dict(
            label_map=self.label_map,
            num_classes=len(self._metainfo['classes']),
            reduce_zero_label=False,
        )
        return [
            dict(img_path=s['image'], seg_map_path=s['label'], seg_fields=[], **common)
            for s in matches.samples
        ]

    def match(self) -> FileMatches:
        """Match images and labels by name."""
        image = FileKind(self.data_prefix['img_path'], self.img_suffix)
        label = FileKind(
            self.data_prefix['seg_map_path'], self.seg_map_suffix, self.label_ending
        )
        listed = None
        if self.ann_file and not os.path.isdir(self.ann_file):
            if not exists(self.ann_file, backend_args=self.backend_args):
                raise BadFileError(f'the list {self.ann_file} does not exist')
            lines = list_from_file(
                self.ann_file, encoding='utf-8-sig', backend_args=self.backend_args
            )
            listed = [line.strip() for line in lines if line.strip()]
        kinds = dict(image=image, label=label)
        return match_files(kinds, listed, self.backend_args)

    def find_fault(self, idx: int) -> None:
        """Read image and labels again; see the base."""
        info = self.get_data_info(idx)
        check_sample(info, allow_empty=True, backend_args=self.backend_args)


@DATASETS.register_module()
class SapiensGoliathPartDataset(SapiensPartDataset):
    """Goliath's captures: an index of samples, and files named by patterns.

    Samples follow the order of the official code, see
    :func:`~sapiens_mm.data.files.read_capture_index`. A pattern is a path in the folder
    of its kind with the index's fields in braces; no host reads such an index. Files
    that the index does not list are no concern.

    Args:
        ann_file: JSON list of ``sample_id``, ``session_id``, ``camera_id``,
            ``frame_number``.
        image_pattern: Of images, below ``data_prefix['img_path']``.
        label_pattern: Of label images, below ``data_prefix['seg_map_path']``.
        parts: As in :class:`SapiensPartDataset`.
        source: As there; ``goliath34`` are the classes of the captures. Those that are
            not predicted become 255.
        **kwargs: As there.
    """

    DEFAULT_PARTS = 'goliath28'

    def __init__(
        self,
        ann_file: str,
        image_pattern: str = '{sample_id}.jpg',
        label_pattern: str = '{sample_id}.png',
        parts: str = 'goliath28',
        source: str | None = 'goliath34',
        **kwargs: Any,
    ) -> None:
        self.patterns = dict(image=image_pattern, label=label_pattern)
        super().__init__(parts, source=source, ann_file=ann_file, **kwargs)

    def match(self) -> FileMatches:
        """Look for the files of the index."""
        folders = dict(
            image=self.data_prefix['img_path'], label=self.data_prefix['seg_map_path']
        )
        there = {kind: set(_files(folder)) for kind, folder in folders.items()}
        samples, unmatched = [], {}
        if not os.path.isfile(self.ann_file):
            raise BadFileError(f'the index {self.ann_file} does not exist')
        index = read_capture_index(self.ann_file)
        for record in index:
            names = {k: fill_pattern(p, record) for k, p in self.patterns.items()}
            paths = {k: os.path.join(folders[k], name) for k, name in names.items()}
            missing = [k for k in names if os.path.normpath(names[k]) not in there[k]]
            if not missing:
                samples.append(paths)
            for kind in missing:
                unmatched.setdefault('no such file', []).append(paths[kind])
        if not samples:
            raise BadFileError(
                f'{self.ann_file}: none of its {len(index)} samples has both files; '
                f'the first: {next(iter(unmatched.values()), ["none"])[0]}'
            )
        return FileMatches(tuple(samples), {k: tuple(v) for k, v in unmatched.items()})


def _files(folder: str) -> list[str]:
    """Return the files below a folder, relative to it."""
    if not os.path.isdir(folder):
        raise BadFileError(f'the folder {folder} does not exist')
    return [
        os.path.normpath(os.path.relpath(os.path.join(parent, name), folder))
        for parent, _, names in os.walk(folder, followlinks=True)
        for name in names
    ]


def _as_tuple(suffixes: str | tuple[str, ...]) -> tuple[str, ...]:
    return (suffixes,) if isinstance(suffixes, str) else tuple(suffixes)


def _metainfo(parts: str | None, metainfo: dict | None) -> dict:
    if parts is not None:
        table = part_table(parts).metainfo()
        if metainfo:
            raise ValueError(f'parts={parts!r} has its classes; metainfo is for None')
        return table
    if not metainfo or not metainfo.get('classes'):
        raise ValueError('parts=None needs metainfo with classes and palette')
    own = part_table_from_metainfo(metainfo)
    return dict(metainfo, **own.metainfo())


def _source_map(source: str | None, parts: str | None) -> dict[int, int] | None:
    if source is None:
        return None
    if source not in LABEL_SOURCES:
        raise ValueError(f'source must be one of {list(LABEL_SOURCES)}, got {source!r}')
    if parts != 'goliath28':
        raise ValueError(f'source={source!r} maps to goliath28, not to parts={parts!r}')
    return dict(enumerate(LABEL_SOURCES[source]))
