"""From a scene to pixels: raster, light, textures, background, sensor, labels."""
