"""How samples come from files, whatever the task. Needs: mmcv."""

from sapiens_mm.data.load_image import SapiensLoadImage

__all__ = ['SapiensLoadImage']
