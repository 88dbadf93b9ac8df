"""The command ``sapiens``: each verb reads its command line and starts the work."""
