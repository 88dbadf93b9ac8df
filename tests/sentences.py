"""What a sentence must tell, whatever its wording."""


def says(sentence, *facts):
    """Assert that a sentence names the facts, in this order.

    Args:
        sentence: A message or an exception.
        facts: What a reader needs from it: names, numbers, files, what to do.
    """
    place, text = 0, str(sentence)
    for fact in facts:
        found = text.find(str(fact), place)
        assert found >= 0, f'{fact!r} is not told, or earlier, in: {text}'
        place = found + len(str(fact))
    return True
