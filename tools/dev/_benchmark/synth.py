"""Time of the generator of synthetic people, by stage."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import cv2

# stage -> functions that sapiens_mm.synth.sample calls by these names
STAGES = {
    'people': ('lay_out',),
    'scene': ('sample_environment', 'sample_backdrop', 'light_of_image', 'set_stage'),
    'light': ('light_stage',),
    'draw': ('see_people', 'draw_people'),
    'behind': ('see_backdrop', 'draw_backdrop'),
    'labels': (
        'label_maps',
        'outward_frame',
        'visible_boxes',
        'whole_boxes',
        '_label_person',
    ),
    'sensor': ('sample_sensor', 'expose', 'take'),
}


@contextmanager
def timed(module: ModuleType, spent: dict[str, float]) -> Iterator[None]:
    """Add the processor time of the stages' functions to ``spent`` meanwhile.

    Raises:
        ValueError: If the module has no function of a stage any more.
    """
    kept = {}
    try:
        for stage, names in STAGES.items():
            for name in names:
                if not hasattr(module, name):
                    raise ValueError(f'{module.__name__} has no {name} to time')
                kept[name] = getattr(module, name)
                setattr(module, name, _clocked(kept[name], stage, spent))
        yield
    finally:
        for name, function in kept.items():
            setattr(module, name, function)


def _clocked(
    function: Callable[..., Any], stage: str, spent: dict[str, float]
) -> Callable[..., Any]:
    def clocked(*args: Any, **kwargs: Any) -> Any:
        start = time.process_time()
        try:
            return function(*args, **kwargs)
        finally:
            spent[stage] = spent.get(stage, 0.0) + time.process_time() - start

    return clocked


def measure_synth(
    size_hw: tuple[int, int], images: int, seed: int = 0
) -> dict[str, Any]:
    """Render images and return the mean processor time of each stage.

    Processor time on one thread is what an image costs a core, on a busy machine too.

    Args:
        size_hw: Height and width, pixels.
        images: How many, after two to warm up.
        seed: Of the images.

    Returns:
        Seconds an image: ``s/image`` in all, its median, each stage, and ``encode``,
        which is not part of it; ``KB/image`` of the files.
    """
    from sapiens_mm.synth import sample as module
    from sapiens_mm.synth.dataset.files import encode_sample
    from sapiens_mm.synth.dataset.settings import DatasetSettings

    kinds = DatasetSettings().kinds()
    cv2.setNumThreads(1)
    spent: dict[str, float] = {}
    times, encoding, stored = [], 0.0, 0
    for index in range(-2, images):
        if index == 0:
            spent.clear()
        start = time.process_time()
        with timed(module, spent):
            sample = module.render(seed, max(index, 0), size_hw=size_hw)
        rendered = time.process_time()
        encoded = encode_sample(sample, kinds, DatasetSettings().depth_mm)
        if index >= 0:
            times.append(rendered - start)
            encoding += time.process_time() - rendered
            stored += sum(map(len, encoded.values()))
    row: dict[str, Any] = {'size': '{}x{}'.format(*size_hw), 'images': images}
    row |= {'s/image': statistics.mean(times), 'median': statistics.median(times)}
    row |= {stage: spent[stage] / images for stage in STAGES}
    row |= {'encode': encoding / images, 'KB/image': stored / images / 1e3}
    return row
