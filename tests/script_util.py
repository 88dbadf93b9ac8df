"""Scripts of the repository as modules, for tests that call their functions."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]


def load_script(path: str) -> ModuleType:
    """Import a script anew, so that what a test changes in it stays with the test.

    Args:
        path: Relative to the repository, such as ``'tools/dev/plot_losses.py'``.
    """
    name = f'script_{Path(path).stem}'
    spec = importlib.util.spec_from_file_location(name, ROOT / path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
