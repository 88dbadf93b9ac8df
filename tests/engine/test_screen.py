"""What reaches the screen before the first step, and which errors are sentences."""

import logging
import sys

import pytest
from mmengine.config import Config

from sapiens_mm.data.files import BadFileError
from sapiens_mm.engine.screen import FOR_SCREEN, OpenScreenHook, StartFilter
from sapiens_mm.engine.user_errors import sentence_of
from sapiens_mm.layers.archs import find_arch


def test_the_screen_opens_at_the_first_step(tmp_path, capsys):
    logger = logging.Logger('test')
    logger.addHandler(logging.StreamHandler(sys.stdout))
    logger.addHandler(logging.FileHandler(tmp_path / 'log'))
    screen = StartFilter()
    screen.attach(logger)

    def log():
        logger.info('config')
        logger.info('summary', extra=FOR_SCREEN)
        logger.warning('warning')
        logger.warning('"FileClient" will be deprecated in future.')
        logger.error('error')

    log()
    assert capsys.readouterr().out.split() == ['summary', 'warning', 'error']
    OpenScreenHook(screen).before_train_iter(None, 0, None)
    log()
    assert len(capsys.readouterr().out.splitlines()) == 5
    assert len((tmp_path / 'log').read_text().splitlines()) == 10


def caught(call):
    with pytest.raises(Exception) as error:  # noqa: PT011
        call()
    return error.value


def refuse():
    raise BadFileError('a.json is not JSON')


def test_which_errors_are_sentences():
    ours = caught(lambda: find_arch('sapiens_9b'))
    assert isinstance(ours, ValueError)
    assert sentence_of(ours) == str(ours)
    assert sentence_of(ours, started=True) is None
    for started in (False, True):
        assert sentence_of(caught(refuse), started) == 'a.json is not JSON'
    # those of others, and ours that are no refusals, are to be seen whole
    assert sentence_of(caught(lambda: int('x'))) is None
    assert sentence_of(caught(lambda: Config(7))) is None
    assert sentence_of(ValueError('never raised')) is None
