"""Pose, body parts, depth and surface normals on videos and cameras.

    sapiens video clip.mp4 --task pose --detector rtmdet --save-data
    sapiens video --webcam 0 --checkpoint sapiens_0.3b_goliath….pth

The output is a video with the drawings, the time stamps and the sound of the input.
People keep their ids, and keypoints are smoothed. A checkpoint says itself what it
is for; see docs/video.md.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

from sapiens_mm.cli.options import add_model_options, add_run_options
from sapiens_mm.cli.request import RequestParser
from sapiens_mm.commands import command
from sapiens_mm.runs.requests import VideoRequest


def parse_args(argv: Sequence[str] | None = None) -> VideoRequest:
    """Read the command line."""
    parser = RequestParser(VideoRequest, 'video', __doc__)
    add = parser.add_argument
    add('inputs', nargs='*', help='video files')
    add(
        '--webcam', type=int, metavar='NUMBER', help='a camera instead, 0 for the first'
    )
    add('--out-dir', type=Path)
    add('--container', choices=('mp4', 'mkv'), help='of the output')
    add_model_options(parser)
    add('--start', type=float, metavar='SECONDS')
    add('--end', type=float, metavar='SECONDS')
    add('--max-frames', type=int)
    every_help = 'the detector looks at every so many frames'
    add('--detect-every', type=int, metavar='FRAMES', help=every_help)
    add('--no-track', action='store_true', help='no ids, and no smoothing either')
    gap_help = 'who is away for longer gets a new id'
    add('--track-gap', type=float, metavar='SECONDS', help=gap_help)
    hits_help = 'who is seen so many times in a row gets an id'
    add('--track-hits', type=int, help=hits_help)
    iou_help = 'least overlap with where somebody is expected'
    add('--track-iou', type=float, help=iou_help)
    add('--no-smooth', action='store_true', help='keypoints as the model gives them')
    cutoff_help = 'Hz, of what stands still: lower is steadier'
    add('--smooth-min-cutoff', type=float, help=cutoff_help)
    beta_help = 'Hz for a speed of one box size a second: higher lags less'
    add('--smooth-beta', type=float, help=beta_help)
    speed_help = 'Hz, of the speed itself'
    add('--smooth-d-cutoff', type=float, help=speed_help)
    mask_help = (
        'seg: draw depth and normals on the people that the parts of this run show; '
        'none: everywhere; default: seg, if it has parts and their weights are not '
        'random'
    )
    add('--mask', choices=('seg', 'none'), help=mask_help)
    width_help = 'scale the output down to so many pixels'
    add('--max-width', type=int, help=width_help)
    crf_help = 'quality of H.264, 0 (no loss) to 51'
    add('--crf', type=int, help=crf_help)
    data_help = 'write the poses of all frames, with ids, as JSON lines'
    add('--save-data', action='store_true', help=data_help)
    maps_help = 'write parts, depth and normals of each frame as NPZ'
    add('--save-maps', action='store_true', help=maps_help)
    add('--show', action='store_true', help='in a window too, where OpenCV has them')
    add_run_options(parser, 'frame')
    return parser.read(argv)


@command(kept='no file is left of the video at work')
def main(argv: Sequence[str] | None = None) -> int:
    """Run the models.

    Returns:
        0; 1 if frames or videos failed; 2 on a wrong call, or if the only input is no
        video; 130 if interrupted.
    """
    request = parse_args(argv)
    warnings.simplefilter('ignore')  # of imports
    # after the command line, as in image
    from sapiens_mm.runs.jobs import show_notes
    from sapiens_mm.runs.video_run import VideoRun

    show_notes()
    return VideoRun(request)()
