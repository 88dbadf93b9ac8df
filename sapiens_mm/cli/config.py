"""Print a config with everything it inherits.

sapiens config pose/sapiens_1b_goliath308-1024x768
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import sapiens_mm  # before the hosts: it mends them
from sapiens_mm.commands import command


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Print; return 2 on a wrong call."""
    from mmengine.config import Config, DictAction

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', nargs='?', help='a config by name or path')
    parser.add_argument('--list', action='store_true', help='print all names instead')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    args = parser.parse_args(argv)
    if args.list:
        print('\n'.join(sapiens_mm.paths.config_names()))
        return 0
    if args.config is None:
        parser.error('name a config, or --list')
    cfg = Config.fromfile(sapiens_mm.config_path(args.config))
    if args.cfg_options is not None:
        from sapiens_mm.engine.config_options import merge_options  # has torch

        merge_options(cfg, args.cfg_options)
    print(cfg.pretty_text)
    return 0
