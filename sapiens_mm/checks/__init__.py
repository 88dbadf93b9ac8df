"""What a thing is, and what is wrong with it: ``sapiens check``."""
