"""Data files of users: how they are read, and which samples are bad. Needs: mmcv."""

from sapiens_mm.data.load_image import SapiensLoadImage

__all__ = ['SapiensLoadImage']
