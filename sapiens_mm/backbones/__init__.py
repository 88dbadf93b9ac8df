"""The Sapiens vision transformer and a pyramid for hosts' necks. Needs: mmengine."""

from sapiens_mm.backbones.archs import ARCHS, VitArch, find_arch
from sapiens_mm.backbones.sapiens_vit import SapiensViT
from sapiens_mm.backbones.simple_pyramid import SapiensSimplePyramid

__all__ = ['ARCHS', 'SapiensSimplePyramid', 'SapiensViT', 'VitArch', 'find_arch']
