"""Which build of torch goes into the environment."""

from __future__ import annotations

import sys
import threading
import urllib.request
from dataclasses import dataclass, field

from _bootstrap.machine import Progress, SetupError
from _bootstrap.pip_runner import Pip, pins_of

# where PyTorch itself documents its CPU wheels
PYTORCH_CPU_INDEX = 'https://download.pytorch.org/whl/cpu'
PROBE_TIMEOUT_S = 3.0


@dataclass(frozen=True)
class TorchChoice:
    """Which build of torch goes into the environment."""

    kind: str
    """``'cpu'`` for PyTorch's CPU wheels, ``'default'`` for what the index gives."""
    requirements: list[str]
    options: list[str] = field(default_factory=list)
    """More arguments for pip, such as another index."""
    need_gib: float = 10.0
    """Free disk that the installation takes at its peak."""

    @property
    def label(self) -> str:
        """Return a short name for people: ``'torch 2.14.1 (CPU build)'``."""
        version = pins_of(self.requirements)['torch'].split('+')[0]
        build = 'CPU build' if self.kind == 'cpu' else 'default build'
        return f'torch {version} ({build})'


def choose(
    pip: Pip,
    pins: list[str],
    progress: Progress,
    *,
    want: str = 'auto',
    gpu: bool,
    index: str = '',
    probe: bool = True,
    system: str = sys.platform,
) -> TorchChoice:
    """Choose the CPU build where there is no GPU and an index offers that build.

    Args:
        pip: Asked, without installing, whether a build is to be had.
        pins: Pinned torch and torchvision.
        progress: Told where a search ended.
        want: ``'auto'``, or ``'cpu'`` or ``'default'`` to overrule the GPU.
        gpu: Whether the machine has an NVIDIA GPU.
        index: An index to search as well, chosen by the user.
        probe: Whether PyTorch's own CPU index may be tried.
        system: As ``sys.platform``; elsewhere than on Linux the default is right.
    """
    more = ['--extra-index-url', index] if index else []
    # the default wheels for macOS and Windows hold no CUDA
    small = not system.startswith('linux')
    default = TorchChoice('default', pins, more, need_gib=3.0 if small else 10.0)
    if want == 'default' or (want == 'auto' and (gpu or small)):
        return default
    cpu_pins = [f'{pin}+cpu' for pin in pins]
    if pip.offers(*cpu_pins, *more):
        return TorchChoice('cpu', cpu_pins, more, need_gib=3.0)
    if probe and not index and answers(PYTORCH_CPU_INDEX):
        more = ['--extra-index-url', PYTORCH_CPU_INDEX]
        if pip.offers(*cpu_pins, *more):
            return TorchChoice('cpu', cpu_pins, more, need_gib=3.0)
    if want == 'cpu':
        raise SetupError(
            f'No index within reach offers {" and ".join(cpu_pins)}; name one with '
            '--torch-index URL.'
        )
    progress.step('no index within reach offers the CPU build of torch')
    return default


def answers(index: str, timeout_s: float = PROBE_TIMEOUT_S) -> bool:
    """Tell whether ``index`` is within reach, in ``timeout_s`` seconds at most."""
    result: list[bool] = []

    def ask() -> None:
        try:
            request = urllib.request.Request(f'{index}/torch/', method='HEAD')
            with urllib.request.urlopen(request, timeout=timeout_s) as reply:
                result.append(reply.status == 200)
        except (OSError, ValueError):
            result.append(False)

    # a thread, because looking up a host name obeys no timeout
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(timeout_s)
    return result == [True]
