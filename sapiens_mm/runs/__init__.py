"""What ``sapiens image`` and ``sapiens video`` do, from their requests to files."""
