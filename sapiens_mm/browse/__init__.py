"""The parts of tools/browse_dataset.py: a module for each kind of sample."""
