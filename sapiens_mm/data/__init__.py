"""Data files of users: how they are read, and what becomes of samples that are bad."""
