"""Meta's Sapiens human-vision models for mmpose, mmseg, mmpretrain and mmdet.

Importing this package is cheap: it installs the lazy patches of
``sapiens_mm.compat`` (they act when a host is imported) and nothing else.
"""

from sapiens_mm.compat import activate as _activate
from sapiens_mm.paths import config_path

__version__ = '0.1.0'
__all__ = ['__version__', 'config_path']

_activate()
