"""Models that are built in several threads at once, and what they leave behind."""

import logging
import threading

import pytest

pytest.importorskip('mmpose')
pytest.importorskip('mmseg')

from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope

from sapiens_mm.apis import DepthInferencer, PoseInferencer
from sapiens_mm.testing import tiny_config

KINDS = {
    'pose/sapiens_0.3b_coco17-1024x768': PoseInferencer,
    'depth/sapiens_0.3b_render_people-1024x768': DepthInferencer,
}


@pytest.mark.filterwarnings('ignore:.*random weights')
def test_models_in_threads():
    """Each looks in its own host and has the weights that it always has."""
    configs = {name: tiny_config(name) for name in KINDS}

    def build(name):
        return KINDS[name](configs[name], device='cpu', flip_test=False)

    def sums(name):
        return [float(p.double().sum()) for p in build(name).model.parameters()]

    expected = {name: sums(name) for name in KINDS}
    logger = MMLogger.get_current_instance()
    state = logger.level, list(logger.filters), dict(DefaultScope._instance_dict)
    found, errors = [], []

    def work(name):
        try:
            for _ in range(3):
                found.append((name, sums(name)))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in [*KINDS] * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(found) == 24 and all(expected[name] == of for name, of in found)
    after = logger.level, list(logger.filters), dict(DefaultScope._instance_dict)
    assert after == state and logger.isEnabledFor(logging.INFO)
