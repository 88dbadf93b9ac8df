"""What a run is asked to do: each option of a command, typed, and never changed.

The defaults here are those of the command line, which states none of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ModelRequest:
    """Which models are asked for.

    Attributes:
        task: Some of ``TASKS``, or ``'all'``; empty: what the checkpoints are for.
        checkpoint: Weights: whatever :func:`~sapiens_mm.checkpoints.resolve` takes.
        config: A config by name or path, for one task and checkpoint.
        size: Of a model with random weights, one of ``SIZES``.
        keypoints: Of a model with random weights, one of ``KEYPOINT_COUNTS``.
    """

    task: tuple[str, ...] = ()
    checkpoint: tuple[str, ...] = ()
    config: str | None = None
    size: str | None = None
    keypoints: int | None = None


@dataclass(frozen=True)
class RunRequest(ModelRequest):
    """How the models run and what is drawn, of images and of videos.

    Attributes:
        inputs: Paths, as they were given.
        out_dir: For what is written.
        detector: Of persons: ``'rtmdet'``, ``'tiny'``, ``'none'`` or a checkpoint;
            None: the small one with the small models of the package.
        seg_mode: Parts of the ``'whole'`` image, or by ``'person'``.
        resize: Of logits: ``'twice'`` as the official demos, ``'once'`` as
            Sapiens-Lite.
        cleanup: Of parts: KEY=VALUE words; empty for its defaults, None for none.
        flip: Average with the mirrored image; None: with the small models.
        kpt_thr: Keypoints below this score are not drawn.
        show_relief: Draw the surface that relative depth describes, too.
        opacity: Of parts over the image, 0 to 1.
        device: As PyTorch names it; None: the GPU if there is one.
        dtype: One of ``DTYPES``; None: the model's choice.
        batch_size: Inputs at once; None: the model's choice.
        compile: By torch.compile.
        overwrite: Redo what is finished.
    """

    inputs: tuple[str, ...] = ()
    out_dir: Path = Path('outputs')
    detector: str | None = None
    seg_mode: str = 'whole'
    resize: str = 'twice'
    cleanup: tuple[str, ...] | None = None
    flip: bool | None = None
    kpt_thr: float = 0.3
    show_relief: bool = False
    opacity: float = 0.5
    device: str | None = None
    dtype: str | None = None
    batch_size: int | None = None
    compile: bool = False
    overwrite: bool = False


@dataclass(frozen=True)
class ImageRequest(RunRequest):
    """What ``sapiens image`` is asked to do.

    Attributes:
        inputs: Images, folders, globs, ``.txt`` lists; none: the image of the package.
        boxes: JSON of persons for every image, ``[[x1, y1, x2, y2], …]`` in pixels.
        mask: Where depth and normals are drawn: a folder, a file, ``'seg'`` for the
            parts of this run, ``'none'``; None: the parts, if their weights are real.
        seg_checkpoint: A model of parts that makes the masks.
        seg_config: Its config, if it is not one of ours.
        tile: Height of overlapping tiles for depth and normals, pixels.
        tile_overlap: Share of a tile that the next one covers, 0.1 to 0.5.
        map_format: Of depth and normals: ``'npy'``, ``'exr'``, ``'png'``, ``'png16'``.
        ply: KEY=VALUE words of a point cloud; None for none.
        palette: Write class ids as PNG with a palette, too.
    """

    out_dir: Path = Path('outputs/image_demo')
    boxes: str | None = None
    mask: str | None = None
    seg_checkpoint: str | None = None
    seg_config: str | None = None
    tile: int | None = None
    tile_overlap: float = 0.25
    map_format: str = 'npy'
    ply: tuple[str, ...] | None = None
    palette: bool = False


@dataclass(frozen=True)
class VideoRequest(RunRequest):
    """What ``sapiens video`` is asked to do.

    Attributes:
        inputs: Video files.
        webcam: Number of a camera, in place of files.
        container: ``'mp4'`` or ``'mkv'``.
        start: Seconds to begin at.
        end: Seconds to end at; None: the end of the video.
        max_frames: No more frames than this.
        detect_every: The detector looks at every so many frames.
        no_track: No ids, and no smoothing.
        track_gap: Seconds after which somebody who is away gets a new id.
        track_hits: Looks in a row until somebody gets an id.
        track_iou: Least overlap with where somebody is expected.
        no_smooth: Keypoints as the model gives them.
        smooth_min_cutoff: Hz, of what stands still (one euro filter).
        smooth_beta: Hz for a speed of one box size a second.
        smooth_d_cutoff: Hz, of the speed itself.
        mask: ``'seg'``, ``'none'``; None: the parts of this run, if there are any.
        max_width: Of the output, pixels.
        crf: Quality of H.264, 0 (no loss) to 51.
        save_data: Write the poses of all frames as JSON lines.
        save_maps: Write parts, depth and normals of each frame as NPZ.
        show: In a window, too.

    Raises:
        ValueError: Names the option that is wrong and what it may be.
    """

    out_dir: Path = Path('outputs/video_demo')
    webcam: int | None = None
    container: str = 'mp4'
    start: float = 0.0
    end: float | None = None
    max_frames: int | None = None
    detect_every: int = 1
    no_track: bool = False
    track_gap: float = 1.0
    track_hits: int = 2
    track_iou: float = 0.3
    no_smooth: bool = False
    smooth_min_cutoff: float = 1.0
    smooth_beta: float = 10.0
    smooth_d_cutoff: float = 1.0
    mask: str | None = None
    max_width: int = 3840
    crf: int = 20
    save_data: bool = False
    save_maps: bool = False
    show: bool = False


@dataclass(frozen=True)
class WebRequest:
    """What ``sapiens web`` is asked to do.

    Attributes:
        host: Address to listen on.
        port: 0 takes a free one.
        checkpoint: Weights to offer.
        config: For one checkpoint.
        device: As PyTorch names it; None: the GPU if there is one.
        dtype: One of ``DTYPES``; None: the model's choice.
        detector: As of :class:`RunRequest`.
        threads: Of the CPU, for the models.
        max_megapixels: Larger images are reduced to this.
        keep_minutes: Images and results are deleted after this.
        max_gigabytes: Of images and results; the oldest go first.
        time_limit: Seconds that an image may take.
        allowed_host: Names that it answers to, besides its own.

    Raises:
        ValueError: Names the option that is wrong and what it may be.
    """

    host: str = '127.0.0.1'
    port: int = 7860
    checkpoint: tuple[str, ...] = ()
    config: str | None = None
    device: str | None = None
    dtype: str | None = None
    detector: str | None = None
    threads: int | None = None
    max_megapixels: float = 16.0
    keep_minutes: float = 60.0
    max_gigabytes: float = 8.0
    time_limit: float = 600.0
    allowed_host: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the numbers."""
        at_least = dict(threads=1, max_megapixels=0.1, keep_minutes=1)
        for name, least in dict(at_least, max_gigabytes=0.5, time_limit=1).items():
            value = getattr(self, name)
            if value is not None and not value >= least:
                option = f'--{name.replace("_", "-")}'
                raise ValueError(f'{option} must be at least {least}, got {value}')
        if not 0 <= self.port <= 65535:
            raise ValueError(f'--port must be between 0 and 65535, got {self.port}')
