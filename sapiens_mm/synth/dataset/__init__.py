"""Data sets on disk: settings, samples, files, shards, figures."""
