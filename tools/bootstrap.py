#!/usr/bin/env python3
"""From a bare Python to four results on an image, or to a tested checkout.

This file must parse under any Python 3 (and does under 2.7), so that an old one gets
a sentence instead of a syntax error: no annotations and no f-strings here.
"""

import os
import subprocess
import sys

OLDEST = (3, 10)
NEWEST = (3, 13)


def python_problem(version):
    """Say in one sentence why this Python will not do, or return ''.

    Args:
        version: Major and minor number, as a tuple.
    """
    if OLDEST <= tuple(version) <= NEWEST:
        return ''
    names = ['.'.join(map(str, (3, m))) for m in range(OLDEST[1], NEWEST[1] + 1)]
    found = '.'.join(map(str, version))
    text = 'sapiens_mm runs on Python ' + ', '.join(names[:-1]) + ' and ' + names[-1]
    text += '; this is Python ' + found
    for name in reversed(names):
        if _works('python' + name, name):
            command = 'python' + name + ' ' + ' '.join(sys.argv)
            return text + '. This machine has a fitting one: ' + command
    return text + ' and no other is on PATH. Install one of them and use that.'


def _works(program, version):
    """Tell whether ``program`` starts: pyenv's shims exist and fail."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        with open(os.devnull, 'w') as null:
            answer = subprocess.check_output([program, '-c', code], stderr=null)
    except (OSError, subprocess.CalledProcessError):
        return False
    return answer.decode().strip() == version


def main():
    """Check the Python, then hand over to the part written for it."""
    problem = python_problem(sys.version_info[:2])
    if problem:
        sys.stderr.write(problem + '\n')
        return 2
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from _bootstrap import cli

    return cli.main(sys.argv[1:])


if __name__ == '__main__':
    sys.exit(main())
