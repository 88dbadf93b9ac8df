"""The config that a checkpoint was trained with, as the checkpoint itself tells it.

``meta['cfg']`` of mmengine's checkpoints is data from a file: its text is read as
literals, the types it names must be registered classes, and no file it names is run.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sapiens_mm import hosts
from sapiens_mm.checkpoints.config_text import read_config_text
from sapiens_mm.checkpoints.errors import CheckpointError
from sapiens_mm.checkpoints.read import Checkpoint

if TYPE_CHECKING:
    from mmengine.config import Config

SCOPES = ('mmengine', 'mmpose', 'mmseg', 'mmdet', 'mmpretrain', 'sapiens_mm')
"""Registries that a checkpoint may name."""

# what running and evaluating a model takes; hooks, visualizers and schedules do not
_KEPT = (
    *('default_scope', 'model', 'test_pipeline', 'part_table'),
    *('train_dataloader', 'val_dataloader', 'test_dataloader'),
    *('val_evaluator', 'test_evaluator', 'val_cfg', 'test_cfg'),
)
# of data sets: what names keypoints or classes
_VOCABULARY = ('type', 'metainfo', 'parts', 'num_keypoints', '_scope_')
# of models: what training starts from, which may be a file or an address
_STARTS = ('init_cfg', 'pretrained')
CODE_ENDINGS = ('.py', '.pkl', '.pickle')
"""Files that run code when they are opened."""

_WRITTEN = ('outfile_prefix', 'out_file_path', 'output_dir', 'format_dir')
# whose classes a checkpoint may name
_AUTHORS = (*SCOPES, 'mmcv', 'torch')
# holds names, colours and 'type'='upper', nothing that is built
_DATA_ONLY = 'metainfo'


def trained_config(checkpoint: Checkpoint) -> Config | None:
    """Return the config in a checkpoint, fit to run the model.

    Args:
        checkpoint: As ``read_checkpoint`` returns it.

    Returns:
        Model, pipelines, data sets and evaluators; None if the checkpoint holds no
        config, or one whose backbone is not ours, as those of other code. A
        ``metainfo`` from a file is replaced by ``dataset_meta``.

    Raises:
        CheckpointError: If what it holds is no plain config, or names a type that is
            not registered; one sentence that asks for ``--config``.
    """
    text = checkpoint.meta.get('cfg')
    if text is None or text == '':
        return None
    from mmengine.config import Config

    try:
        values = read_config_text(text)
        content = {key: values[key] for key in _KEPT if key in values}
        if not _has_our_backbone(content.get('model')):
            return None
        scope = content.get('default_scope') or 'mmengine'
        if scope not in SCOPES:
            raise CheckpointError(f'its default_scope is {scope!r}')
        content['model'] = _without_starts(content['model'])
        _check_strings(content['model'], 'model', CODE_ENDINGS)
        for key in ('model', 'test_pipeline'):
            _check_types(content.get(key), scope, key)
        _reduce_data(content, scope)
        _replace_files(content, checkpoint.meta.get('dataset_meta'))
        return Config(content)
    except (CheckpointError, ModuleNotFoundError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"{checkpoint.path}: the config in its meta['cfg'] cannot be used, "
            f'{error}: give the config it was trained with (--config)'
        ) from error


def _has_our_backbone(model: Any) -> bool:
    backbone = model.get('backbone') if isinstance(model, dict) else None
    kind = backbone.get('type') if isinstance(backbone, dict) else None
    return isinstance(kind, str) and kind.startswith('sapiens_mm.')


def _reduce_data(content: dict[str, Any], scope: str) -> None:
    """Leave of data sets what tells a vocabulary, and the test set where it can be.

    A class of the user's own trains a model, but running it takes none.
    """
    for key in ('train_dataloader', 'val_dataloader'):
        if isinstance(content.get(key), dict):
            content[key] = dict(dataset=_vocabulary_part(content[key], scope))
    for key in ('test_dataloader', 'test_evaluator', 'test_cfg'):
        try:
            _check_types(content.get(key), scope, key)
        except CheckpointError:
            if key == 'test_dataloader':
                content[key] = dict(dataset=_vocabulary_part(content[key], scope))
            content.pop('test_evaluator', None)  # it takes both to evaluate
            break


def _vocabulary_part(loader: dict[str, Any], scope: str) -> dict[str, Any]:
    def part(dataset: Any) -> dict[str, Any]:
        if not isinstance(dataset, dict):
            return {}
        kept = {k: v for k, v in dataset.items() if k in _VOCABULARY}
        if not _is_registered(dataset.get('type'), dataset.get('_scope_', scope)):
            kept.pop('type', None)
        if 'dataset' in dataset:
            kept['dataset'] = part(dataset['dataset'])
        if isinstance(dataset.get('datasets'), (list, tuple)):
            kept['datasets'] = [part(each) for each in dataset['datasets']]
        return kept

    return part(loader.get('dataset'))


def carried_meta(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a copy of the weights must keep to be enough by itself.

    Args:
        meta: Of a checkpoint.

    Returns:
        ``cfg`` and ``dataset_meta``, if they are there, without arrays.
    """
    carried = {}
    if isinstance(meta.get('cfg'), str):
        carried['cfg'] = meta['cfg']
    if meta.get('dataset_meta'):
        carried['dataset_meta'] = _plain(meta['dataset_meta'])
    return carried


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if hasattr(value, 'tolist'):  # of numpy
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value if isinstance(value, (str, int, float, bool)) else None


def check_data_sources(config: Config) -> None:
    """Refuse data of a checkpoint's config that are fetched or run, and its outputs.

    Args:
        config: From :func:`trained_config`, whose data sets are about to be built.

    Raises:
        CheckpointError: If a path is an address, a pickle or Python code, or an
            evaluator would write a file.
    """
    for name in ('test_dataloader', 'test_evaluator'):
        content = config.get(name)
        try:
            _check_strings(content, name, CODE_ENDINGS)
        except CheckpointError as error:
            raise CheckpointError(
                f'the config in the checkpoint cannot be used, {error}: give the '
                'config it was trained with'
            ) from None


def _check_strings(content: Any, key: str, endings: tuple[str, ...]) -> None:
    if isinstance(content, str):
        if '://' in content or content.lower().endswith(endings):
            raise CheckpointError(f'{key} is {content!r:.80}, an address or code')
        if key.rpartition('.')[2] in _WRITTEN:
            raise CheckpointError(f'{key} would write {content!r:.80}')
    for name, value in _items(content):
        _check_strings(value, f'{key}.{name}', endings)


def _items(content: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(content, Mapping):
        yield from content.items()
    elif isinstance(content, (list, tuple)):
        yield from enumerate(content)


def _without_starts(content: Any) -> Any:
    if isinstance(content, Mapping):
        kept = {k: v for k, v in content.items() if k not in _STARTS}
        return {key: _without_starts(value) for key, value in kept.items()}
    if isinstance(content, (list, tuple)):
        return type(content)(_without_starts(value) for value in content)
    return content


def _check_types(content: Any, scope: str, key: str = '') -> None:
    """Refuse what mmengine would import by its dotted name instead of looking it up."""
    if isinstance(content, Mapping):
        scope = content.get('_scope_', scope)
        if scope not in SCOPES:
            raise CheckpointError(f'{key} has the scope {scope!r}')
        if 'type' in content and not _is_registered(content['type'], scope):
            raise CheckpointError(
                f'{key or "it"} has the type {content["type"]!r:.80}, which no host '
                'registers'
            )
    for name, value in _items(content):
        if name != _DATA_ONLY:
            _check_types(value, scope, f'{key}.{name}' if key else str(name))


def _is_registered(kind: Any, scope: Any) -> bool:
    if not isinstance(kind, str) or scope not in SCOPES:
        return False
    stated, _, name = kind.rpartition('.')
    if stated and stated not in SCOPES:
        return False
    found = (d[name] for d in _module_dicts(stated or scope, name) if name in d)
    return any(_is_of_hosts(each) for each in found)


def _is_of_hosts(entry: Any) -> bool:
    """Tell whether a registered class or function is one of a host's own.

    mmpretrain registers functions that load what the hub has, with its code.
    """
    root = entry.__module__.partition('.')[0]
    if inspect.isclass(entry):
        return root in _AUTHORS
    return root == 'mmengine'


def _module_dicts(scope: str, name: str) -> Iterator[Mapping[str, Any]]:
    """Yield what is registered in a scope, then in mmengine's, filled as needed."""
    from mmengine.registry import Registry

    for each in dict.fromkeys((scope, 'mmengine')):
        hosts.require(each)
        module = importlib.import_module(f'{each}.registry')
        registries = [r for r in vars(module).values() if isinstance(r, Registry)]
        for registry in registries:
            yield registry.module_dict  # what is imported already
        for registry in registries:
            if registry.scope != each:
                continue
            if hasattr(registry, 'import_packages_until'):
                registry.import_packages_until(name)
            else:
                registry.import_from_location()
            yield registry.module_dict


def _replace_files(content: dict[str, Any], dataset_meta: Any) -> None:
    """Take names from the checkpoint where the config names a file of Python code."""
    from sapiens_mm.tables import keypoint_table_from_metainfo
    from sapiens_mm.vocabulary import dataset_meta_of

    for holder in _with_metainfo(content):
        if 'from_file' in holder[_DATA_ONLY]:
            meta = dataset_meta_of(dataset_meta)
            if meta is None:
                del holder[_DATA_ONLY]
            else:
                holder[_DATA_ONLY] = keypoint_table_from_metainfo(meta).metainfo()


def _with_metainfo(content: Any) -> Iterator[dict[str, Any]]:
    if isinstance(content, dict) and isinstance(content.get(_DATA_ONLY), dict):
        yield content
    for _, value in _items(content):
        yield from _with_metainfo(value)
