"""Top-down pose: heads for mmpose's estimators. Needs: mmpose."""

from sapiens_mm.pose.heatmap_head import SapiensHeatmapHead

__all__ = ['SapiensHeatmapHead']
