"""The Sapiens vision transformer and a pyramid for hosts' necks. Needs: mmengine."""

from sapiens_mm.backbones.sapiens_vit import SapiensViT
from sapiens_mm.backbones.simple_pyramid import SapiensSimplePyramid
from sapiens_mm.layers.archs import ARCHS, VitArch, find_arch

__all__ = ['ARCHS', 'SapiensSimplePyramid', 'SapiensViT', 'VitArch', 'find_arch']
