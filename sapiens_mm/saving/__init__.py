"""Results as files: keypoints, label maps, depth, normals, point clouds."""
