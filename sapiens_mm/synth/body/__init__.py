"""Bodies: shape, skin, and where keypoints lie on them."""
