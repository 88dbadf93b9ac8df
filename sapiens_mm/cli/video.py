"""Pose, body parts, depth and surface normals on videos and cameras.

    sapiens video clip.mp4 --task pose --detector rtmdet --save-data
    sapiens video --webcam 0 --checkpoint sapiens_0.3b_goliath….pth

The output is a video with the drawings, the time stamps and the sound of the input.
People keep their ids, and keypoints are smoothed. A checkpoint says itself what it
is for; see docs/video.md.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from pathlib import Path

from sapiens_mm.cli.options import add_model_options, add_run_options
from sapiens_mm.commands import command


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('inputs', nargs='*', help='video files')
    add(
        '--webcam', type=int, metavar='NUMBER', help='a camera instead, 0 for the first'
    )
    add('--out-dir', type=Path, default=Path('outputs/video_demo'))
    add('--container', choices=('mp4', 'mkv'), default='mp4', help='of the output')
    add_model_options(parser)
    add('--start', type=float, default=0.0, metavar='SECONDS')
    add('--end', type=float, metavar='SECONDS')
    add('--max-frames', type=int)
    every_help = 'the detector looks at every so many frames; default 1'
    add('--detect-every', type=int, default=1, metavar='FRAMES', help=every_help)
    add('--no-track', action='store_true', help='no ids, and no smoothing either')
    gap_help = 'who is away for longer gets a new id; default 1'
    add('--track-gap', type=float, default=1.0, metavar='SECONDS', help=gap_help)
    hits_help = 'who is seen so many times in a row gets an id; default 2'
    add('--track-hits', type=int, default=2, help=hits_help)
    iou_help = 'least overlap with where somebody is expected; default 0.3'
    add('--track-iou', type=float, default=0.3, help=iou_help)
    add('--no-smooth', action='store_true', help='keypoints as the model gives them')
    cutoff_help = 'Hz, of what stands still: lower is steadier; default 1'
    add('--smooth-min-cutoff', type=float, default=1.0, help=cutoff_help)
    beta_help = 'Hz for a speed of one box size a second: higher lags less; default 10'
    add('--smooth-beta', type=float, default=10.0, help=beta_help)
    speed_help = 'Hz, of the speed itself; default 1'
    add('--smooth-d-cutoff', type=float, default=1.0, help=speed_help)
    mask_help = (
        'seg: draw depth and normals on the people that the parts of this run show; '
        'none: everywhere; default: seg, if it has parts and their weights are not '
        'random'
    )
    add('--mask', choices=('seg', 'none'), help=mask_help)
    width_help = 'scale the output down to so many pixels; default 3840'
    add('--max-width', type=int, default=3840, help=width_help)
    crf_help = 'quality of H.264, 0 (no loss) to 51; default 20'
    add('--crf', type=int, default=20, help=crf_help)
    data_help = 'write the poses of all frames, with ids, as JSON lines'
    add('--save-data', action='store_true', help=data_help)
    maps_help = 'write parts, depth and normals of each frame as NPZ'
    add('--save-maps', action='store_true', help=maps_help)
    add('--show', action='store_true', help='in a window too, where OpenCV has them')
    add_run_options(parser, 'frame')
    return parser.parse_args(argv)


@command(kept='no file is left of the video at work')
def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo.

    Returns:
        0; 1 if frames or videos failed; 2 on a wrong call, or if the only input is no
        video; 130 if interrupted.
    """
    args = parse_args(argv)
    warnings.simplefilter('ignore')  # of imports
    from sapiens_mm.runs.jobs import show_notes
    from sapiens_mm.runs.video_run import VideoRun

    show_notes()
    return VideoRun(args)()
