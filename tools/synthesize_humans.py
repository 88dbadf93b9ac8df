"""``sapiens synth``, where users of the hosts look for it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from sapiens_mm.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['synth', *sys.argv[1:]]))
