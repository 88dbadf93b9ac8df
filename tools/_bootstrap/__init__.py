"""The parts of tools/bootstrap.py. Needs: the standard library of Python 3.10."""
