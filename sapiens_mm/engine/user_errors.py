"""Which errors are one sentence for the user, and which are to be seen whole."""

from __future__ import annotations

from pathlib import Path

from sapiens_mm.data.files import bad_file_sentence

_PACKAGE = Path(__file__).resolve().parents[1]


def sentence_of(error: BaseException, started: bool = False) -> str | None:
    """Return what to tell the user of an error; None if its traceback is needed.

    A ``BadFileError`` is a sentence, wherever it was raised. Before the first step so
    is a ValueError that this package itself raised: that is how it refuses what it is
    given. All others, those of hosts and of hooks included, are not ours to shorten.

    Args:
        error: As it was caught.
        started: The first step was taken.
    """
    sentence = bad_file_sentence(error)
    if sentence is not None or started or not isinstance(error, ValueError):
        return sentence
    place = error.__traceback__
    # the last frame is where it was raised; those before only called
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    if place is None:
        return None
    file = Path(place.tb_frame.f_code.co_filename).resolve()
    return str(error) if file.is_relative_to(_PACKAGE) else None
