"""Damage to files, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Callable

_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def flip_bits(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def set_bytes(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 2, 8))):
        data[rng.randrange(len(data))] = rng.choice((0, 0xFF, rng.randrange(256)))


def set_number(data: bytearray, rng: random.Random) -> None:
    """A length or a size, by preference near the start or the end."""
    size = rng.choice((1, 2, 4, 8))
    reach = rng.choice((64, 512, len(data)))
    at = rng.randrange(max(1, min(reach, len(data) - size)))
    if rng.random() < 0.3:
        at = max(0, len(data) - size - at)
    number = rng.choice(_NUMBERS) % (1 << 8 * size)
    data[at : at + size] = number.to_bytes(size, rng.choice(('little', 'big')))


def cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def drop(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.choice((1, 4, 50, 1000))]


def repeat(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    part = data[at : at + rng.choice((1, 12, 200))]
    data[at:at] = part * rng.choice((1, 2, 50))


def insert(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data) + 1)
    data[at:at] = rng.randbytes(rng.choice((1, 4, 100)))


def append(data: bytearray, rng: random.Random) -> None:
    data += rng.choice((b'\0' * 100, rng.randbytes(300), bytes(data)))


def swap(data: bytearray, rng: random.Random) -> None:
    size = rng.choice((1, 4, 64))
    a, b = (rng.randrange(len(data)) for _ in range(2))
    data[a : a + size], data[b : b + size] = data[b : b + size], data[a : a + size]


MUTATORS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    *(flip_bits, flip_bits, set_bytes, set_number, set_number, set_number),
    *(cut, drop, repeat, insert, append, swap),
)


def mutate(seed_files: list[bytes], seed: int) -> bytes:
    """Damage one of some files in one to three ways.

    Args:
        seed_files: Whole files.
        seed: Chooses file and damage.
    """
    rng = random.Random(seed)
    data = bytearray(rng.choice(seed_files))
    for _ in range(rng.choice((1, 1, 2, 3))):
        if data:
            rng.choice(MUTATORS)(data, rng)
    if rng.random() < 0.02:  # the head of one, the rest of another
        other = rng.choice(seed_files)
        at = rng.randrange(1, 200)
        data = data[:at] + other[at:]
    return bytes(data)
