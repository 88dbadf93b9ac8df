"""Names of weights: from any file to ours, and from ours to other layouts.

Our modules bear the key names of the official weights, so there is nothing to
rename inside a model. What differs between files is what stands in front: wrappers
of trainers, and whether an encoder's names begin with ``backbone.``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from torch import Tensor

from sapiens_mm.checkpoints.errors import CheckpointError

T = TypeVar('T')

BACKBONE = 'backbone.'
TASK_HEADS = 'head.heads.'  # of SapiensMultitaskHead
# names every Sapiens encoder has, without prefix
ENCODER_STARTS = ('cls_token', 'layers.', 'ln1.', 'patch_embed.', 'pos_embed')
# what trainers and compilers put in front of a whole model …
_OUTER = (
    *('module.', 'model.', '_orig_mod.', '_fsdp_wrapped_module.', 'net.'),
    *('ema_model.', 'ema.', 'model_ema.', 'state_dict.'),
)
# … and inside it
_INNER = ('_orig_mod.', '_fsdp_wrapped_module.', '_checkpoint_wrapped_module.')
# buffers that configs own, and counters of averaged models
_IGNORED_STARTS = ('data_preprocessor.', 'steps', 'n_averaged', 'num_updates')


def strip_wrappers(name: str) -> str:
    """Remove what DDP, FSDP, ``torch.compile``, EMA and Lightning put in front."""
    # they nest: DDP around a compiled model gives module._orig_mod.
    while outer := next((p for p in _OUTER if name.startswith(p)), None):
        name = name.removeprefix(outer)
    for inner in _INNER:
        name = name.replace(inner, '')
    return name


def is_ignored(name: str) -> bool:
    """Tell whether an unwrapped name is no weight: preprocessor, EMA counters."""
    return name.startswith(_IGNORED_STARTS)


def is_bare_encoder(names: Iterable[str]) -> bool:
    """Tell whether these are an encoder's names without the ``backbone.`` prefix."""
    names = set(names)
    return 'patch_embed.projection.weight' in names and not any(
        name.startswith(BACKBONE) for name in names
    )


def canonical_names(names: Iterable[str]) -> dict[str, str]:
    """Map our names to those of a file or module: ``{ours: theirs}``.

    Encoders get the ``backbone.`` prefix. Ignored names are left out.

    Raises:
        CheckpointError: If two names become one, so the file holds two models.
    """
    unwrapped: dict[str, str] = {}
    for name in names:
        ours = strip_wrappers(name)
        if is_ignored(ours):
            continue
        if ours in unwrapped:
            raise CheckpointError(
                f'it holds two copies of {ours} ({unwrapped[ours]!r} and {name!r})'
            )
        unwrapped[ours] = name
    if not is_bare_encoder(unwrapped):
        return unwrapped
    return {
        BACKBONE + ours if ours.startswith(ENCODER_STARTS) else ours: theirs
        for ours, theirs in unwrapped.items()
    }


def to_ours(state_dict: Mapping[str, T]) -> dict[str, T]:
    """Rename any known layout to ours; see :func:`canonical_names`."""
    names = canonical_names(state_dict)
    return {ours: state_dict[theirs] for ours, theirs in names.items()}


def differing_key(
    first: Mapping[str, Tensor], other: Mapping[str, Tensor], ignored: str = ''
) -> str | None:
    """Name the first key, in order, that one lacks or that has another shape there.

    Args:
        first: Weights.
        other: Weights under the same layout.
        ignored: A key that may differ.
    """
    return min(
        (
            key
            for key in (first.keys() | other.keys()) - {ignored}
            if key not in first
            or key not in other
            or first[key].shape != other[key].shape
        ),
        default=None,
    )


def select_part(state_dict: Mapping[str, T], part: str) -> dict[str, T]:
    """Pick and name a part of a state dict for export.

    Args:
        state_dict: Weights under any known layout.
        part: ``'full'``: all, under our (and the official) names. ``'backbone'``:
            the encoder with its ``backbone.`` prefix, which mmpretrain, mmpose and
            mmseg take with ``prefix='backbone.'``. ``'encoder'``: the same without
            prefix, like the official ``_clean.pth`` files, for a plain
            ``init_cfg=dict(type='Pretrained', checkpoint=…)``.

    Raises:
        CheckpointError: If there is no encoder to pick.
        ValueError: If there is no such part.
    """
    if part not in ('full', 'backbone', 'encoder'):
        raise ValueError(f'part must be full, backbone or encoder, got {part!r}')
    ours = to_ours(state_dict)
    if part == 'full':
        return ours
    encoder = {name: value for name, value in ours.items() if name.startswith(BACKBONE)}
    if not encoder:
        raise CheckpointError('There is no backbone to pick from these weights.')
    if part == 'backbone':
        return encoder
    return {name.removeprefix(BACKBONE): value for name, value in encoder.items()}
