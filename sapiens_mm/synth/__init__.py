"""Synthetic humans: images with every Sapiens label, made from CC0 assets.

Needs numpy, OpenCV and numba: ``pip install 'sapiens_mm[synth]'``.
"""

from sapiens_mm.synth.sample import PersonLabels, Sample, render
from sapiens_mm.synth.scene_settings import SceneSettings

__all__ = ['PersonLabels', 'Sample', 'SceneSettings', 'render']
