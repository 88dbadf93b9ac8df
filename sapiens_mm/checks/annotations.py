"""JSON files: annotations of keypoints, results of evaluations and of images."""

from __future__ import annotations

from pathlib import Path

from sapiens_mm import hosts
from sapiens_mm.checks.request import CheckRequest, Finding


def check_json(path: Path, request: CheckRequest) -> Finding:
    """Say what a JSON file is, and what is wrong with its records."""
    hosts.require('mmpose')
    from sapiens_mm.data.files import read_json
    from sapiens_mm.pose import convert_files
    from sapiens_mm.pose.annotation_check import check_annotations

    try:
        content = read_json(path)
        count = convert_files.find_source(
            path, content, request.keypoints, option='--keypoints'
        )
        if convert_files.is_annotation_file(content):
            report = check_annotations(path, count, request.images, strict=False)
            return Finding(report.summary(), bool(report.error_kinds))
        records = convert_files.records_of(path, content)
        for n, record in enumerate(records):
            convert_files.points_of(path, n, record, count)
    except (ValueError, OSError) as error:
        return Finding(f'{error}.', is_faulty=True)
    what = 'results of an evaluation' if isinstance(content, list) else 'an image'
    return Finding(f'{path}: {what}, {len(records)} people with {count} keypoints')
