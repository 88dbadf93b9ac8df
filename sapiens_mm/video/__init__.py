"""Videos and cameras: frames in and out, sound, tracks, smoothing. Needs: PyAV."""
