"""Folders: data sets of the generator, results of a run, and images."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from sapiens_mm.checks.request import Finding
from sapiens_mm.files import RECORD, holds_outputs

_NAMED = 20  # of the files that are damaged


def check_folder(path: Path) -> Finding:
    """Say what a folder is.

    Raises:
        ValueError: If it holds nothing that is known.
    """
    from sapiens_mm.synth.dataset.settings import SETTINGS_FILE

    if (path / SETTINGS_FILE).is_file():
        return check_generated(path)
    of_run = [each for each in (path, *sorted(path.iterdir())) if each.is_dir()]
    results = [folder for folder in of_run if holds_outputs(folder)]
    if results:
        return check_results(path, results)
    return check_images(path)


def check_generated(root: Path) -> Finding:
    """Say what a data set of ``sapiens synth`` is, and what is missing of it."""
    from sapiens_mm.synth.dataset.files import RECORDS
    from sapiens_mm.synth.dataset.generate import finished_samples
    from sapiens_mm.synth.dataset.settings import SETTINGS_FILE
    from sapiens_mm.synth.dataset.shards import FOLDER, plan_shards

    path = root / SETTINGS_FILE
    try:
        content = json.loads(path.read_bytes())
        settings = _settings(content)
    except (ValueError, TypeError, KeyError) as error:
        return Finding(f'{path} is not as sapiens synth writes it: {error}.', True)
    height, width = settings.size_hw
    lines = [
        f'{root} is a data set of sapiens synth: {height} x {width} pixels, seed '
        f'{settings.seed}, depth in {settings.depth_mm:g} mm.'
    ]
    # version 0.1 calls them knobs
    if changed := _changed_settings(content.get('scene', content.get('knobs'))):
        lines.append(f'settings: {changed}')
    records = {int(p.stem) for p in (root / RECORDS).glob('*.json') if p.stem.isdigit()}
    planned = max(records, default=-1) + 1
    packed = (root / FOLDER).is_dir()
    shards = plan_shards(root, settings, planned) if packed else []
    whole = finished_samples(root, settings, planned, shards, loose=not packed)
    splits = Counter(map(settings.split_of, sorted(whole)))
    shown = ', '.join(f'{split} {count}' for split, count in splits.items())
    lines.append(f'samples: {len(whole)} of {planned} are whole ({shown or "none"})')
    faults = []
    if len(whole) < planned or not planned:
        missing = sorted(set(range(planned)) - whole)[:5]
        first = f', the first: {", ".join(map(str, missing))}' if missing else ''
        faults.append(f'{planned - len(whole)} samples are not whole{first}')
    listed = _listed(root / 'stats.json')
    if listed != len(whole):
        said = 'none' if listed is None else f'{listed} samples'
        faults.append(
            f'its annotation files list {said}: the run did not end; the same sapiens '
            'synth command goes on'
        )
    lines += [f'wrong: {fault}' for fault in faults]
    return Finding('\n'.join(lines), bool(faults))


def _settings(content: Any) -> Any:
    """Return what decides the files, without the settings of the scene."""
    from sapiens_mm.synth.dataset.settings import DatasetSettings

    names = ('seed', 'shares', 'depth_mm', 'bump', 'shard_size')
    values = {name: content[name] for name in names}
    return DatasetSettings(size_hw=tuple(content['size_hw']), **values)


def _changed_settings(scene: Any) -> str:
    """Say which settings of the scene are not at their defaults."""
    from sapiens_mm.synth.dataset.settings import DatasetSettings

    usual = DatasetSettings().as_dict()['scene']
    scene = scene if isinstance(scene, dict) else {}
    changed = (name for name, value in scene.items() if usual.get(name) != value)
    return ', '.join(f'{name}={scene[name]}' for name in changed)


def _listed(path: Path) -> int | None:
    try:
        return json.loads(path.read_bytes())['images']
    except (OSError, ValueError, KeyError, TypeError):
        return None


def check_results(path: Path, folders: list[Path]) -> Finding:
    """Say what a folder of results holds, and which are not finished."""
    lines, faulty = [f'{path} holds results of sapiens image or video.'], False
    for folder in folders:
        try:
            record = json.loads((folder / RECORD).read_bytes())
            names, settings = list(record['sources']), record['settings']
        except FileNotFoundError:
            lines.append(f'{folder.name}: of an older version, without a record')
            continue
        except (ValueError, KeyError, TypeError) as error:
            lines.append(f'wrong: {folder / RECORD} is broken ({error})')
            faulty = True
            continue
        missing = [name for name in names if not _is_there(folder, name)]
        config = settings.get('config') if isinstance(settings, dict) else None
        by = f' by {config}' if config else ''
        done = len(names) - len(missing)
        lines.append(f'{folder.name}: {done} of {len(names)} finished{by}')
        if missing:
            faulty = True
            shown = ', '.join(missing[:5])
            lines.append(f'wrong: not finished: {shown}; run the same command again')
    return Finding('\n'.join(lines), faulty)


def _is_there(folder: Path, name: str) -> bool:
    """Tell whether the image of a result is there, or any file of that name."""
    drawn = folder / 'pictures'
    if drawn.is_dir() and (drawn / f'{name}.jpg').is_file():
        return True
    place = folder / name
    return any(p.name.startswith(place.name) for p in _files(place.parent))


def _files(folder: Path) -> list[Path]:
    return [p for p in folder.iterdir() if p.is_file()] if folder.is_dir() else []


def check_images(path: Path) -> Finding:
    """Check every image in a folder and below it.

    Raises:
        ValueError: If there is none.
    """
    from sapiens_mm.apis.images import find_images
    from sapiens_mm.checks.images import check_image

    findings = {each: check_image(Path(each)) for each in find_images(path)}
    bad = [finding.text for finding in findings.values() if finding.is_faulty]
    lines = [f'{path}: {len(findings)} images, {len(bad)} of them damaged.']
    lines += [f'wrong: {text}' for text in bad[:_NAMED]]
    if len(bad) > _NAMED:
        lines.append(f'and {len(bad) - _NAMED} more')
    return Finding('\n'.join(lines), bool(bad))
