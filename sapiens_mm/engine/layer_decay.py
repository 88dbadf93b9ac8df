"""Learning rates that fall towards the input, for models with a plain ViT.

mmpose's ``LayerDecayOptimWrapperConstructor`` (1.3.2) asks for ``num_layers``, and a
wrong one trains with wrong rates; it ignores every key that it does not read, of
which ``custom_keys`` with its misspelt ``decay_multi`` is in many configs; it prints.
The groups here are the same, so either resumes the other's optimizer.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterator

from mmengine.logging import print_log
from mmengine.optim import DefaultOptimWrapperConstructor
from torch import nn

from sapiens_mm.registry import OPTIM_WRAPPER_CONSTRUCTORS

KEYS = ('layer_decay_rate', 'head_lr_mult')
WHY_NOT = {
    'num_layers': 'the depth is taken from the model',
    'custom_keys': "mmpose's layer decay ignored it; norms, biases and the position "
    'table are never decayed',
}


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class SapiensLayerDecayConstructor(DefaultOptimWrapperConstructor):
    """Build an optimizer with layer-wise decay of the learning rate.

    With L blocks in ``model.backbone.layers``, block i has the base rate times
    ``layer_decay_rate ** (L - i)``; patch embedding, position table and tokens of the
    backbone come before block 0, final norm and head have the base rate, the head's
    times ``head_lr_mult`` if that is given. Parameters with one axis, biases and
    position tables have no weight decay. All trainable parameters of one depth share
    two groups. No config of the host's class can take the depth from the model, or
    reject what it does not know.

    Args:
        optim_wrapper_cfg: Config of the optimizer wrapper; its ``optimizer`` must
            state ``lr``.
        paramwise_cfg: ``layer_decay_rate``, above 0 and at most 1; and, optional,
            ``head_lr_mult``, above 0: what is outside of the backbone, in groups of
            its own, has so many times the base rate. A head that starts from nothing
            can take more than blocks can.

    Raises:
        ValueError: If a key is unknown or missing, the rate is no such number, or the
            model has no ``backbone.layers``.
    """

    def _validate_cfg(self) -> None:
        given = self.paramwise_cfg
        unknown = [_explain(key) for key in given if key not in KEYS]
        if unknown:
            raise ValueError(
                f'paramwise_cfg: unknown {"; ".join(unknown)}. '
                f'The keys are {" and ".join(KEYS)}'
            )
        rate = given.get('layer_decay_rate')
        # bool is an int, and True would be a rate of 1
        if isinstance(rate, bool) or not isinstance(rate, (int, float)):
            raise ValueError(f'layer_decay_rate must be a number, not {rate!r}')
        if not 0 < rate <= 1:
            raise ValueError(f'layer_decay_rate must be in (0, 1], not {rate}')
        mult = given.get('head_lr_mult', 1)
        if isinstance(mult, bool) or not isinstance(mult, (int, float)) or mult <= 0:
            raise ValueError(f'head_lr_mult must be a number above 0, not {mult!r}')
        if self.base_lr is None:
            raise ValueError('layer decay needs lr in the config of the optimizer')

    def add_params(self, params: list[dict], module: nn.Module) -> None:
        """Append the groups of a model, in the order of mmpose's constructor.

        Args:
            params: The list to extend.
            module: The whole model, without a wrapper.

        Raises:
            ValueError: If ``module`` has no ``backbone.layers``.
        """
        depth_of = dict(_depths(module))
        # L + 2 depths: embeddings are 0, blocks 1 to L, final norm and head L + 1
        last = len(module.backbone.layers) + 1
        of_backbone = {id(param) for param in module.backbone.parameters()}
        rate = self.paramwise_cfg['layer_decay_rate']
        head_mult = self.paramwise_cfg.get('head_lr_mult')
        groups: dict[str, dict] = {}
        for name, param in module.named_parameters():
            if not param.requires_grad:
                # frozen ones have no state; mmpose leaves them out too
                continue
            depth = depth_of.get(id(param), last)
            plain = param.ndim == 1 or name.endswith('.bias') or 'pos_embed' in name
            where, scale = f'layer_{depth}', rate ** (last - depth)
            if head_mult is not None and id(param) not in of_backbone:
                where, scale = 'head', head_mult
            group_name = f'{where}_{"no_decay" if plain else "decay"}'
            if group_name not in groups:
                groups[group_name] = dict(
                    params=[], group_name=group_name, lr=scale * self.base_lr
                )
                # without a decay of its own a group takes the optimizer's
                if plain or self.base_wd is not None:
                    groups[group_name]['weight_decay'] = 0.0 if plain else self.base_wd
            groups[group_name]['params'].append(param)
        params.extend(groups.values())
        if groups:
            rates = [group['lr'] for group in groups.values()]
            print_log(
                f'layer decay over {last - 1} blocks: {len(groups)} groups, learning '
                f'rates from {min(rates):.3g} to {max(rates):.3g}',
                logger='current',
                level=logging.INFO,
            )


def _explain(key: str) -> str:
    if key in WHY_NOT:
        return f'key {key!r} ({WHY_NOT[key]})'
    near = difflib.get_close_matches(str(key), KEYS)
    return f'key {key!r}' + (f' (did you mean {near[0]!r}?)' if near else '')


def _depths(model: nn.Module) -> Iterator[tuple[int, int]]:
    """Yield id and depth of what lies before the backbone's final norm.

    Objects are told apart, not names, which wrappers of modules change.
    """
    backbone = getattr(model, 'backbone', None)
    layers = getattr(backbone, 'layers', None)
    if not isinstance(layers, (nn.ModuleList, nn.Sequential)):
        raise ValueError(
            f'layer decay needs a model with backbone.layers, a list of blocks; '
            f'{type(model).__name__} has none'
        )
    for name in ('cls_token', 'mask_token', 'pos_embed'):
        yield id(getattr(backbone, name, None)), 0
    if isinstance(getattr(backbone, 'patch_embed', None), nn.Module):
        yield from ((id(param), 0) for param in backbone.patch_embed.parameters())
    for index, layer in enumerate(layers):
        yield from ((id(param), index + 1) for param in layer.parameters())
