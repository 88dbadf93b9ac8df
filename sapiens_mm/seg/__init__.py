"""Body-part segmentation: heads for mmseg's segmentors. Needs: mmseg."""

from sapiens_mm.seg.head import SapiensSegHead

__all__ = ['SapiensSegHead']
