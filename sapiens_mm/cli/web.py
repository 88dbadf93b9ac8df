"""A web page for pose, body parts, depth and surface normals.

    sapiens web
    sapiens web --checkpoint pose.pth seg.pth --device cuda --port 0

Takes an image from a file, a webcam or the clipboard, shows the images and offers
the data files. Nothing is loaded from elsewhere: it works without a network. The models
run in a process of their own, which is ended when a request takes too long.
"""

from __future__ import annotations

from collections.abc import Sequence

from sapiens_mm.cli.request import RequestParser
from sapiens_mm.runs.requests import WebRequest
from sapiens_mm.tasks import DTYPES


def parse_args(argv: Sequence[str] | None = None) -> WebRequest:
    """Read the command line."""
    parser = RequestParser(WebRequest, 'web', __doc__)
    add = parser.add_argument
    host_help = 'address to listen on; 0.0.0.0 lets others on the network in'
    add('--host', help=host_help)
    add('--port', type=int, help='0 takes a free one')
    weights_help = 'weights to offer: files, hf://…, https://… or names of the zoo'
    add('--checkpoint', nargs='+', metavar='FILE', help=weights_help)
    add('--config', help='a config by name or path, for one checkpoint of your own')
    add('--device', help='default: the GPU if there is one')
    add('--dtype', choices=DTYPES)
    detector_help = (
        "finds the persons for pose: 'rtmdet', the path of its checkpoint, 'tiny' or "
        "'none'; default: 'tiny' with the small models of the package"
    )
    add('--detector', metavar='FILE', help=detector_help)
    add('--threads', type=int, help='of the CPU, for the models')
    pixels_help = 'larger images are reduced to this'
    add('--max-megapixels', type=float, help=pixels_help)
    keep_help = 'images and results are deleted after this'
    add('--keep-minutes', type=float, help=keep_help)
    room_help = 'of images and results; the oldest go first'
    add('--max-gigabytes', type=float, help=room_help)
    limit_help = (
        'seconds that an image may take, without loading models; then it is ended'
    )
    add('--time-limit', type=float, metavar='SECONDS', help=limit_help)
    name_help = 'answer to this name too: of a proxy, or of this machine in its network'
    add('--allowed-host', nargs='+', metavar='NAME', help=name_help)
    return parser.read(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until interrupted; return 0, or 2 on a wrong call."""
    request = parse_args(argv)
    from sapiens_mm.webui.server import run

    return run(request)
