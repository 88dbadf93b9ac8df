"""Unfinished files as a killed process leaves them."""

import subprocess
import sys
from pathlib import Path

_CODE = (
    'import sys; from pathlib import Path; from sapiens_mm import files; '
    'path = files.temporary_for(Path(sys.argv[1])); path.write_bytes(b"half"); '
    'print(path)'
)


def temporary_of_an_ended_process(path):
    """Have another process begin a file and end without a word; return its name."""
    command = [sys.executable, '-c', _CODE, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())
