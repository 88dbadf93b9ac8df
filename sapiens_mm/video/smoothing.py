"""Steady keypoints over time: the One-Euro filter, one for each person.

Needs: numpy alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class OneEuroOptions:
    """How the One-Euro filter weighs jitter against lag.

    The cutoff is ``min_cutoff_hz + beta * speed``, speed in sizes a second: sizes of
    the person's box for keypoints. So the same numbers suit any resolution and frame
    rate. What moves evenly lags by less than ``1 / (2 * pi * beta)`` sizes at any
    speed: 1.6 % of the box by default.

    Attributes:
        min_cutoff_hz: Of what stands still, above 0. Lower: less jitter.
        beta: Hz for each size a second, 0 or more. Higher: less lag.
        derivative_cutoff_hz: Of the speed itself, above 0.

    Raises:
        ValueError: If one of them is out of range.
    """

    min_cutoff_hz: float = 1.0
    beta: float = 10.0
    derivative_cutoff_hz: float = 1.0

    def __post_init__(self) -> None:
        for name in ('min_cutoff_hz', 'derivative_cutoff_hz'):
            value = getattr(self, name)
            if not 0 < value < np.inf:
                raise ValueError(f'{name} must be a frequency above 0, got {value!r}')
        if not 0 <= self.beta < np.inf:
            raise ValueError(f'beta must be a number of 0 or more, got {self.beta!r}')


def smoothing_factor(cutoff_hz: np.ndarray, step_s: np.ndarray) -> np.ndarray:
    """Return the weight of a new sample in exponential smoothing.

    Args:
        cutoff_hz: Cutoff frequency.
        step_s: Time since the sample before.

    Returns:
        ``1 / (1 + tau / step)`` with ``tau = 1 / (2 * pi * cutoff)``.
    """
    turned = 2 * np.pi * np.asarray(cutoff_hz) * step_s
    return turned / (turned + 1)


class OneEuroFilter:
    """The filter of Casiez, Roussel and Vogel (CHI 2012), on arrays of vectors.

    It is exponential smoothing whose cutoff grows with the speed, which is smoothed
    exponentially too. As in the paper's algorithm, speed is measured from the
    filtered value before. Of vectors it is the length that counts, so that the
    result does not depend on the direction of the axes; for D = 1 this is the paper's.

    Args:
        options: Cutoffs and beta.
    """

    def __init__(self, options: OneEuroOptions | None = None) -> None:
        self.options = options or OneEuroOptions()
        self.value: np.ndarray | None = None  # (..., D), NaN where nothing came yet
        self.velocity: np.ndarray | None = None  # (..., D), units a second
        self.time_s: np.ndarray | None = None  # (...), of the last sample used

    def __call__(
        self,
        sample: np.ndarray,
        time_s: float,
        size: float = 1.0,
        valid: np.ndarray | None = None,
    ) -> np.ndarray:
        """Filter the next sample.

        Args:
            sample: Shape (..., D), any unit.
            time_s: Of the sample; later than the one before.
            size: Unit of speed, in the unit of ``sample``.
            valid: Shape (...), which vectors are to be used; None: all. The others
                leave the filter as it is, and it answers with its last value.

        Returns:
            Shape (..., D), float64.

        Raises:
            ValueError: If time does not grow, or the shape or size is wrong.
        """
        sample = np.asarray(sample, np.float64)
        usable = np.isfinite(sample).all(-1)
        if valid is not None:
            usable &= valid
        if self.value is None:
            self.value = np.full(sample.shape, np.nan)
            self.velocity = np.zeros(sample.shape)
            self.time_s = np.full(sample.shape[:-1], -np.inf)
        if sample.shape != self.value.shape:
            raise ValueError(
                f'The filter holds shape {self.value.shape}, got {sample.shape}'
            )
        if not (self.time_s < time_s).all():
            raise ValueError(
                f'time_s must grow: got {time_s} after {self.time_s.max()}'
            )
        if not 0 < size < np.inf:
            raise ValueError(f'size must be a number above 0, got {size!r}')
        new = usable & np.isnan(self.value).any(-1)
        self.value[new] = sample[new]
        self.velocity[new] = 0
        known = usable & ~new
        step = (time_s - self.time_s[known])[:, None]
        before, speed = self.value[known], self.velocity[known]
        opts = self.options
        weight = smoothing_factor(opts.derivative_cutoff_hz, step)
        speed = speed + weight * ((sample[known] - before) / step - speed)
        length = np.linalg.norm(speed, axis=-1, keepdims=True)
        cutoff = opts.min_cutoff_hz + opts.beta * length / size
        weight = smoothing_factor(cutoff, step)
        self.value[known] = before + weight * (sample[known] - before)
        self.velocity[known] = speed
        self.time_s[usable] = time_s
        held = np.isnan(self.value).any(-1)  # never seen: as it came
        return np.where(held[..., None], sample, self.value)

    def carry(self, offset: np.ndarray, which: np.ndarray) -> None:
        """Move what the filter holds: by ``offset`` (D,), where ``which`` (...)."""
        if self.value is not None:
            self.value[which] += offset

    def forget(self, before_s: float) -> None:
        """Start anew where the last sample used is older than ``before_s``."""
        if self.time_s is not None:
            self.value[self.time_s < before_s] = np.nan


@dataclass(eq=False)
class _Person:
    """Filter of a person, and the frame before."""

    filter: OneEuroFilter
    center: np.ndarray  # (2,) of the box, pixels
    held: np.ndarray  # (K,), which keypoints were not seen
    time_s: float


class KeypointSmoother:
    """Smooths the keypoints of each person by the One-Euro filter.

    Speed counts in the longer side of the person's box. A keypoint with a low score
    does not enter its filter; for up to ``hold_s`` its place is the last good one,
    carried along by the box, and the next good one goes on from there. After that the
    filter starts anew.

    Args:
        options: Of the filter.
        score_threshold: Keypoints below it count as not seen.
        hold_s: Seconds, above 0.

    Raises:
        ValueError: If ``hold_s`` is out of range.
    """

    def __init__(
        self,
        options: OneEuroOptions | None = None,
        score_threshold: float = 0.3,
        hold_s: float = 0.5,
    ) -> None:
        if not hold_s > 0:
            raise ValueError(f'hold_s must be above 0, got {hold_s!r}')
        self.options = options or OneEuroOptions()
        self.score_threshold = score_threshold
        self.hold_s = hold_s
        self._persons: dict[int, _Person] = {}

    def __call__(
        self,
        keypoints: np.ndarray,
        scores: np.ndarray,
        boxes: np.ndarray,
        ids: np.ndarray,
        time_s: float,
    ) -> np.ndarray:
        """Smooth the persons of the next frame.

        Args:
            keypoints: Shape (P, K, 2), pixels.
            scores: Shape (P, K).
            boxes: Shape (P, 4), x1 y1 x2 y2 in pixels, with area.
            ids: Shape (P,), who they are; no two the same.
            time_s: Of the frame; later than the one before.

        Returns:
            Shape (P, K, 2), float32, pixels.
        """
        smooth = np.empty(keypoints.shape, np.float32)
        for index, name in enumerate(np.asarray(ids).tolist()):
            center = (boxes[index, :2] + boxes[index, 2:]) / 2
            person = self._persons.get(name)
            if person is None:
                unseen = np.zeros(keypoints.shape[1], bool)
                person = _Person(OneEuroFilter(self.options), center, unseen, time_s)
                self._persons[name] = person
            size = float((boxes[index, 2:] - boxes[index, :2]).max())
            good = scores[index] >= self.score_threshold
            person.filter.forget(time_s - self.hold_s)
            person.filter.carry(center - person.center, person.held | ~good)
            smooth[index] = person.filter(keypoints[index], time_s, size, good)
            person.center, person.held, person.time_s = center, ~good, time_s
        old = time_s - self.hold_s
        self._persons = {n: p for n, p in self._persons.items() if p.time_s >= old}
        return smooth
