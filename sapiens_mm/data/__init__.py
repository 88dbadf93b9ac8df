"""Data files of users: how they are read, and what becomes of bad samples. Needs: mmcv."""

from sapiens_mm.data.load_image import SapiensLoadImage

__all__ = ['SapiensLoadImage']
