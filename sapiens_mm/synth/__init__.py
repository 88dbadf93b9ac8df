"""Synthetic humans: images with every Sapiens label, made from CC0 assets.

Needs numpy, OpenCV and numba: ``pip install 'sapiens_mm[synth]'``.
"""

from sapiens_mm.synth.knobs import Knobs
from sapiens_mm.synth.sample import CLASSES, PersonLabels, Sample, render

__all__ = ['CLASSES', 'Knobs', 'PersonLabels', 'Sample', 'render']
