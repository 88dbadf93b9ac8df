"""Parts of tools/dev/benchmark.py."""
