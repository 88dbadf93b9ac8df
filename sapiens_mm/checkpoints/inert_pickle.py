"""Reads pickles without running them.

A pickle is a program for a stack machine, and Python's machine calls whatever the
program names. The one here calls nothing: it builds plain containers, tensors
that map the file, and inert stand-ins for the rest. It reads what ``torch.load``
with ``weights_only`` cannot, TorchScript archives and official files whose ``meta``
holds configs and arrays, and does not believe what ``torch.load`` does: that storages
are as large as the program says.

A few bytes can describe a structure of billions of parts that are all the same one,
which takes no memory but for ever to print or to hash. So keys are plain, nothing is
printed, and steps, copies and the size written out in full are limited.
"""

from __future__ import annotations

import pickletools
import re
from collections.abc import Callable
from typing import IO, Any

import torch

from sapiens_mm.checkpoints.errors import CheckpointError
from sapiens_mm.checkpoints.inert_objects import (
    InertArray,
    Name,
    Opaque,
    check_extent,
    name_of,
    plain_dict,
)
from sapiens_mm.checkpoints.mapping import map_tensor

OpenStorage = Callable[[tuple], tuple[torch.UntypedStorage | None, torch.dtype | None]]

MAX_STEPS = 1_000_000
"""Of a program, and items that it may have copied; state dicts take thousands."""

STORAGE_DTYPES: dict[str, torch.dtype] = {
    'torch.DoubleStorage': torch.float64,
    'torch.FloatStorage': torch.float32,
    'torch.HalfStorage': torch.float16,
    'torch.BFloat16Storage': torch.bfloat16,
    'torch.LongStorage': torch.int64,
    'torch.IntStorage': torch.int32,
    'torch.ShortStorage': torch.int16,
    'torch.CharStorage': torch.int8,
    'torch.ByteStorage': torch.uint8,
    'torch.BoolStorage': torch.bool,
}

# what checkpoints of mmengine and of the official code hold beside tensors;
# all of it stays inert here, so the list decides wording, not safety
_HARMLESS = {
    '_codecs.encode',
    'addict.addict.Dict',
    'argparse.Namespace',
    'copyreg._reconstructor',
    'numpy.dtype',
    'numpy.ndarray',
    'numpy.core.multiarray._reconstruct',
    'numpy.core.multiarray.scalar',
    'numpy._core.multiarray._reconstruct',
    'numpy._core.multiarray.scalar',
    'torch.Size',
    'torch.device',
    'torch._tensor._rebuild_from_type_v2',
    'torch.Tensor',
    'torch._tensor.Tensor',
    'torch.nn.parameter.Parameter',
    'torch.serialization._get_layout',
    'torch.storage.UntypedStorage',
}
_HARMLESS_BUILTINS = {
    *('bool', 'bytearray', 'bytes', 'complex', 'dict', 'float', 'frozenset'),
    *('getattr', 'int', 'list', 'object', 'range', 'set', 'slice', 'str', 'tuple'),
}
_HARMLESS_PREFIXES = (
    'collections.',
    'datetime.',
    'mmengine.',
    'numpy.dtypes.',
    'pathlib.',
    'torch._utils._rebuild_',
)


def is_harmless(name: str) -> bool:
    """Tell whether weights files may well mention this class or function."""
    module, _, leaf = name.rpartition('.')
    if module in ('builtins', '__builtin__'):
        return leaf in _HARMLESS_BUILTINS
    if name in _HARMLESS or name in STORAGE_DTYPES or _is_quantized(module, leaf):
        return True
    if module == 'torch' and isinstance(getattr(torch, leaf, None), torch.dtype):
        return True
    return name.startswith(_HARMLESS_PREFIXES)


def _is_quantized(module: str, leaf: str) -> bool:
    schemes = leaf.startswith(('per_tensor_', 'per_channel_'))
    return module == 'torch' and (schemes or re.fullmatch('QU?Int.*Storage', leaf))


class InertUnpickler:
    """Interprets one pickle.

    Args:
        stream: Bytes or binary file, at the start of the pickle.
        open_storage: Maps the persistent id of a storage to its bytes and, for
            typed storages, dtype. Without it, or bytes, tensors become
            :class:`Opaque`.
    """

    _CONSTANTS = {'NONE': None, 'NEWTRUE': True, 'NEWFALSE': False}
    _EMPTY = {
        'EMPTY_DICT': dict,
        'EMPTY_LIST': list,
        'EMPTY_SET': set,
        'EMPTY_TUPLE': tuple,
    }
    _FIXED_TUPLES = {'TUPLE1': 1, 'TUPLE2': 2, 'TUPLE3': 3}

    def __init__(
        self, stream: bytes | IO[bytes], open_storage: OpenStorage | None = None
    ) -> None:
        self.stream = stream
        self.open_storage = open_storage
        self.names: list[str] = []
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.steps_left = MAX_STEPS

    def load(self) -> Any:
        """Run to the end of the pickle and return the object it describes.

        Raises:
            CheckpointError: If the pickle is damaged or does what no state dict
                needs.
        """
        try:
            for opcode, arg, _ in pickletools.genops(self.stream):
                if opcode.name == 'STOP':
                    found = self.stack.pop()
                    check_extent(found)
                    return found
                self._spend(1)
                self._step(opcode.name, arg)
        except CheckpointError:
            raise
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            MemoryError,
            RuntimeError,
            TypeError,
            ValueError,
        ) as error:
            raise CheckpointError(f'its pickle is damaged ({error})') from error
        raise CheckpointError('its pickle has no end')

    def _step(self, op: str, arg: Any) -> None:
        push, stack = self.stack.append, self.stack
        if op in self._CONSTANTS:
            push(self._CONSTANTS[op])
        elif op in self._EMPTY:
            push(self._EMPTY[op]())
        elif op in self._FIXED_TUPLES:
            count = self._FIXED_TUPLES[op]
            stack[-count:] = [tuple(stack[-count:])]
        elif handler := getattr(self, f'_op_{op.lower()}', None):
            handler(arg)
        elif op in ('PROTO', 'FRAME'):
            pass
        elif op in ('PUT', 'BINPUT', 'LONG_BINPUT', 'MEMOIZE'):
            self.memo[len(self.memo) if arg is None else arg] = stack[-1]
        elif op in ('GET', 'BINGET', 'LONG_BINGET'):
            push(self.memo[arg])
        elif isinstance(arg, (str, bytes, bytearray, bool, int, float)):
            push(arg)
        else:
            raise CheckpointError(f'its pickle uses {op}, which no state dict needs')

    def _spend(self, steps: int) -> None:
        self.steps_left -= steps
        if self.steps_left < 0:
            raise CheckpointError('its pickle is longer than that of any state dict')

    def _pop_to_mark(self) -> list[Any]:
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def _mention(self, name: str) -> Name:
        self.names.append(name)
        return Name(name)

    def _op_mark(self, _: None) -> None:
        self.marks.append(len(self.stack))

    def _op_pop(self, _: None) -> None:
        self.stack.pop()

    def _op_pop_mark(self, _: None) -> None:
        self._pop_to_mark()

    def _op_dup(self, _: None) -> None:
        self.stack.append(self.stack[-1])

    def _op_tuple(self, _: None) -> None:
        self.stack.append(tuple(self._pop_to_mark()))

    def _op_list(self, _: None) -> None:
        self.stack.append(self._pop_to_mark())

    def _op_frozenset(self, _: None) -> None:
        self._pop_to_mark()
        self.stack.append(frozenset())  # as sets: what is in them serves no one

    def _op_dict(self, _: None) -> None:
        items = self._pop_to_mark()
        self.stack.append(plain_dict(items[::2], items[1::2]))

    def _op_global(self, arg: str) -> None:
        self.stack.append(self._mention(arg.replace(' ', '.')))

    def _op_stack_global(self, _: None) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if type(name) is not str or type(module) is not str:
            raise CheckpointError('its pickle is damaged (a name is no text)')
        self.stack.append(self._mention(f'{module}.{name}'))

    def _op_inst(self, arg: str) -> None:
        self._pop_to_mark()
        self.stack.append(Opaque(self._mention(arg.replace(' ', '.'))))

    def _op_obj(self, _: None) -> None:
        kind, *args = self._pop_to_mark()
        self.stack.append(Opaque(name_of(kind), tuple(args)))

    def _op_newobj(self, _: None) -> None:
        args = self.stack.pop()
        self.stack.append(Opaque(name_of(self.stack.pop()), args))

    def _op_newobj_ex(self, _: None) -> None:
        self.stack.pop()
        self._op_newobj(None)

    def _op_binpersid(self, _: None) -> None:
        self.stack.append(('storage id', self.stack.pop()))

    def _op_reduce(self, _: None) -> None:
        args = self.stack.pop()
        self.stack.append(self._reduce(self.stack.pop(), args))

    def _op_build(self, _: None) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        # torch's state dicts are OrderedDicts with versions of modules as a state
        if not isinstance(target, Opaque):
            return
        if isinstance(state, dict) and isinstance(target.state, dict):
            self._spend(len(state))
            target.state.update(state)
        else:
            target.state = state

    def _op_append(self, _: None) -> None:
        item = self.stack.pop()
        if isinstance(self.stack[-1], list):
            self.stack[-1].append(item)

    def _op_appends(self, _: None) -> None:
        items = self._pop_to_mark()
        if isinstance(self.stack[-1], list):
            self.stack[-1].extend(items)

    def _op_additems(self, _: None) -> None:
        self._pop_to_mark()

    def _op_setitem(self, _: None) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        if isinstance(self.stack[-1], dict):
            self.stack[-1].update(plain_dict([key], [value]))

    def _op_setitems(self, _: None) -> None:
        items = self._pop_to_mark()
        if isinstance(self.stack[-1], dict):
            self.stack[-1].update(plain_dict(items[::2], items[1::2]))

    def _reduce(self, function: Any, args: tuple) -> Any:
        function = name_of(function)
        if not isinstance(args, tuple):
            raise CheckpointError('its pickle is damaged (a call without arguments)')
        if function == 'collections.OrderedDict':
            if not args:
                return {}
            pairs = args[0] if isinstance(args[0], (list, tuple)) else []
            # one step of a program may copy a list of any length
            self._spend(len(pairs))
            return plain_dict([key for key, _ in pairs], [value for _, value in pairs])
        if function == 'torch.Size':
            self._spend(len(args[0]))
            return tuple(args[0])
        if function in _PARAMETERS:
            return args[0]
        if function == 'torch._tensor._rebuild_from_type_v2':  # it has attributes
            return self._reduce(args[0], args[2])
        if function in _REBUILDS and self.open_storage is not None:
            (_, storage_id), offset, shape, stride = args[:4]
            if function.endswith('_v2') and len(args) > 6 and args[6]:
                raise CheckpointError('it holds a tensor to be negated or conjugated')
            storage, dtype = self.open_storage(storage_id)
            if storage is None:
                return Opaque(function, args)
            if dtype is None:  # untyped storage: version 3 names the type at its end
                dtype = getattr(torch, name_of(args[6]).removeprefix('torch.'))
            return map_tensor(storage, dtype, shape, stride, offset)
        if function == '_codecs.encode' and args[1:] in ((), ('latin1',)):
            return args[0].encode('latin1')  # how old pickles write bytes
        if function in ('__builtin__.bytes', 'builtins.bytes') and args == ():
            return b''  # and none at all
        kind = InertArray if function in _ARRAYS else Opaque
        return kind(function, args)


_PARAMETERS = (
    'torch._utils._rebuild_parameter',
    'torch._utils._rebuild_parameter_with_state',
)
_REBUILDS = (
    'torch._utils._rebuild_tensor',
    'torch._utils._rebuild_tensor_v2',
    'torch._utils._rebuild_tensor_v3',
)
_ARRAYS = (
    'numpy.core.multiarray._reconstruct',
    'numpy._core.multiarray._reconstruct',
    'numpy.core.multiarray.scalar',
    'numpy._core.multiarray.scalar',
)
