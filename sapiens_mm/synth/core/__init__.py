"""What the rest of the generator stands on: meshes, rig, camera, compiled kernels."""
