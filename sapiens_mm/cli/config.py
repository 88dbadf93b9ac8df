"""Print a config with everything it inherits.

sapiens config pose/sapiens_1b_goliath308-1024x768
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sapiens_mm  # before the hosts: it patches them
from sapiens_mm.cli.options import add_cfg_options
from sapiens_mm.cli.request import RequestParser
from sapiens_mm.commands import command


@dataclass(frozen=True)
class ConfigRequest:
    """What ``sapiens config`` is asked to do.

    Attributes:
        config: A config by name or path.
        list: Print the names of all instead.
        cfg_options: KEY=VALUE words, changes to the config.

    Raises:
        ValueError: If there is neither a config nor ``list``.
    """

    config: str | None = None
    list: bool = False
    cfg_options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that there is something to print."""
        if self.config is None and not self.list:
            raise ValueError('name a config, or --list')


def parse_args(argv: Sequence[str] | None = None) -> ConfigRequest:
    """Read the command line."""
    parser = RequestParser(ConfigRequest, 'config', __doc__)
    parser.add_argument('config', nargs='?', help='a config by name or path')
    parser.add_argument('--list', action='store_true', help='print all names instead')
    add_cfg_options(parser)
    return parser.read(argv)


@command()
def main(argv: Sequence[str] | None = None) -> int:
    """Print; return 2 on a wrong call."""
    request = parse_args(argv)
    if request.list:
        print('\n'.join(sapiens_mm.paths.config_names()))
        return 0
    from mmengine.config import Config

    cfg = Config.fromfile(sapiens_mm.config_path(request.config))
    if request.cfg_options:
        from sapiens_mm.engine.config_options import merge_options, read_options

        merge_options(cfg, read_options(request.cfg_options))  # has torch
    print(cfg.pretty_text)
    return 0
