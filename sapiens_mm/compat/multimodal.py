"""mmpretrain's vision-language models, left out where transformers is too new.

Host bug: mmpretrain 1.2.0 imports its vision-language models whenever transformers
4.28 or newer is installed. They need names that transformers has since moved or
removed (4.49.0 still has them all, 4.55.4 has not), so ``import mmpretrain.models``
dies, with ``TypeError: NoneType takes no arguments`` or an ImportError, and with it
``import mmdet.models``, whose reid part imports mmpretrain. No upstream thread known.
Delete this file when mmpretrain is no longer a host, or runs on current transformers.

mmpretrain has a way to go without these models, for users without transformers:
placeholders under their names, which raise when built. We make it take that way.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn

from sapiens_mm.compat import hooks

NEEDED = {
    'transformers': (
        'AutoConfig',
        'AutoModelForCausalLM',
        'AutoTokenizer',
        'BartTokenizer',
        'BasicTokenizer',
        'BertTokenizer',
        'BertTokenizerFast',
        'LlamaTokenizer',
        'PreTrainedModel',
        'WordpieceTokenizer',
    ),
    'transformers.activations': ('ACT2FN',),
    'transformers.modeling_outputs': (
        'BaseModelOutputWithPast',
        'BaseModelOutputWithPastAndCrossAttentions',
        'BaseModelOutputWithPoolingAndCrossAttentions',
        'CausalLMOutputWithCrossAttentions',
        'CausalLMOutputWithPast',
        'ModelOutput',
        'Seq2SeqLMOutput',
    ),
    'transformers.modeling_utils': (
        'GenerationConfig',
        'GenerationMixin',
        'PreTrainedModel',
        'PretrainedConfig',
        'apply_chunking_to_forward',
        'find_pruneable_heads_and_indices',
        'prune_linear_layer',
    ),
    'transformers.models.auto.auto_factory': ('_BaseAutoModelClass',),
    'transformers.models.bert.configuration_bert': ('BertConfig',),
    'transformers.models.opt.configuration_opt': ('OPTConfig',),
    'transformers.utils': (
        'add_code_sample_docstrings',
        'add_start_docstrings',
        'add_start_docstrings_to_model_forward',
        'logging',
        'replace_return_docstrings',
    ),
}
"""What mmpretrain 1.2.0 imports from transformers at the top of its files."""

_missing = ''


def install() -> hooks.Patch:
    """Have mmpretrain leave its vision-language models out if they cannot work."""
    hooks.after('mmpretrain.utils.dependency', _leave_out)
    return hooks.Patch(_describe)


def _leave_out(dependency: ModuleType) -> None:
    global _missing
    if not dependency.WITH_MULTIMODAL:
        return
    _missing = _first_missing()
    if _missing:
        # mmpretrain's own switch for users without transformers
        dependency.WITH_MULTIMODAL = False
        dependency.register_multimodal_placeholder = _register_placeholders


def _first_missing() -> str:
    """Return why transformers does not fit mmpretrain; empty if it does."""
    for module_name, names in NEEDED.items():
        try:
            module = importlib.import_module(module_name)
            for name in names:
                # getattr, since transformers imports a name only when it is asked for
                getattr(module, name)
        except Exception as error:
            return hooks.summary(error)
    return ''


def _register_placeholders(names: Sequence[str], registry: object) -> None:
    """Register what raises on being built; the host's own blames a missing package."""

    def placeholder(name: str) -> object:
        def refuse(*args: object, **kwargs: object) -> NoReturn:
            raise ImportError(
                f"mmpretrain's {name} does not work with the installed transformers "
                f'({_missing}); try pip install "transformers<=4.49.0"'
            )

        return refuse

    # under the same names, so that configs fail when built and not when read
    for name in names:
        registry.register_module(name=name, module=placeholder(name))


def _describe() -> str:
    importlib.import_module('mmpretrain.utils.dependency')
    if _missing:
        return f'active: mmpretrain goes without vision-language models ({_missing})'
    return 'stands aside: mmpretrain and transformers do not clash here'
