"""The parts of sapiens browse: a module for each kind of sample."""
