"""What the scenes of the generator are drawn from, and the values it may take."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any


def _probability(default: float) -> Any:
    """A number from 0 to 1."""
    return field(default=default, metadata={'kind': 'number', 'within': (0.0, 1.0)})


def _number(default: float, low: float, high: float) -> Any:
    """A number within [low, high]."""
    return field(default=default, metadata={'kind': 'number', 'within': (low, high)})


def _span(default: tuple[float, float], low: float, high: float) -> Any:
    """A range to draw from evenly: (a, b) with low <= a <= b <= high."""
    return field(default=default, metadata={'kind': 'span', 'within': (low, high)})


def _weights(**default: float) -> Any:
    """Weights of named choices, as pairs; they need not add up to 1."""
    return field(
        default=tuple(default.items()),
        metadata={'kind': 'weights', 'names': tuple(default)},
    )


@dataclass(frozen=True)
class SceneSettings:
    """What is drawn how often. Defaults make the published mixture.

    Weights are written as a dict or as pairs, ``{'face': 1, 'full': 3}``; names left
    out get 0. Spans are (low, high) and are drawn from evenly.

    Raises:
        ValueError: Names the setting, its value and what it may be.
    """

    # --- people and framing (scene.py, camera.py)
    people: Any = _weights(one=0.66, two=0.2, three=0.08, four=0.04, five=0.02)
    framing: Any = _weights(face=0.27, upper=0.28, full=0.45)
    gap_m: Any = _span((0.15, 1.6), 0.02, 20.0)
    """Free space between neighbours, metres."""

    # --- camera
    fov_deg: Any = _span((22.0, 58.0), 5.0, 110.0)
    """Vertical field of view."""
    elevation_deg: Any = _span((-12.0, 28.0), -60.0, 75.0)
    """How far the camera looks down."""
    roll_deg: float = _number(2.5, 0.0, 180.0)
    """Standard deviation of the roll."""
    behind: float = _probability(0.22)
    """Share of people seen from any side instead of from the front."""

    # --- light
    sun: float = _probability(0.6)
    """Share of outdoor scenes in sunshine."""
    environment: str = field(default='', metadata={'kind': 'text'})
    """Unused when empty; 'indoor' or 'outdoor' forces one of them."""
    outdoor: float = _probability(0.5)

    # --- background
    backgrounds: str = field(default='', metadata={'kind': 'folder'})
    """Folder of images; empty: procedural rooms and streets only."""
    picture: float = _probability(0.7)
    """Share of scenes before an image of that folder, if there is one."""
    clutter: Any = _span((0.2, 1.0), 0.0, 1.0)
    """How full rooms and streets are."""
    depth_of_field: float = _probability(0.55)
    """Share of images with a blurred background."""

    # --- sensor
    exposure_ev: float = _number(0.45, 0.0, 3.0)
    """Standard deviation of the exposure in stops."""
    white_balance: float = _number(0.05, 0.0, 0.5)
    """Standard deviation of the channels' gains."""
    noise: Any = _span((0.0, 0.03), 0.0, 0.3)
    """Standard deviation of the noise at middle grey, of full scale."""
    blur_px: Any = _span((0.0, 0.9), 0.0, 10.0)
    """Standard deviation of the lens blur, pixels of a 1024 x 768 image."""
    motion_blur: float = _probability(0.06)
    grayscale: float = _probability(0.02)
    jpeg: float = _probability(0.85)
    """Share of images that went through JPEG."""
    jpeg_quality: Any = _span((45.0, 97.0), 5.0, 100.0)

    # --- body (people.py)
    female: float = _probability(0.5)
    age_years: Any = _span((18.0, 80.0), 18.0, 90.0)
    stature_m: Any = _span((1.45, 2.02), 1.3, 2.2)
    """Limits of the standing height; the means are 1.75 for men, 1.62 for women."""
    expression: Any = _weights(
        neutral=0.3,
        smile=0.17,
        laugh=0.13,
        talk=0.18,
        shout=0.05,
        tongue=0.04,
        pucker=0.04,
        frown=0.05,
        surprise=0.04,
    )
    open_mouth_close_up: float = _probability(0.45)
    """Share of face framings whose mouth is open, whatever ``expression`` says."""
    blink: float = _probability(0.1)
    gaze_deg: float = _number(11.0, 0.0, 30.0)
    """Standard deviation of the eyes' turn away from the nose."""
    face_variety: float = _number(1.0, 0.0, 2.0)
    """How far noses, chins, ears, ... are from the mean face."""

    # --- poses (poses.py)
    stances: Any = _weights(
        stand=0.36,
        walk=0.15,
        run=0.05,
        sit=0.16,
        sit_ground=0.06,
        crouch=0.05,
        kneel=0.05,
        lie=0.03,
        lunge=0.05,
        balance=0.04,
    )
    gestures: Any = _weights(
        hang=0.2,
        hip=0.07,
        pocket=0.03,
        thigh=0.04,
        chin=0.04,
        cheek=0.03,
        ear=0.04,
        forehead=0.02,
        crown=0.02,
        nape=0.03,
        chest=0.03,
        belly=0.02,
        shoulder=0.02,
        biceps=0.03,
        back=0.02,
        crossed=0.05,
        clasp=0.05,
        reach=0.11,
        wave=0.05,
        lift=0.04,
        point=0.04,
        carry=0.07,
        phone=0.04,
        t=0.01,
        a=0.03,
    )
    """What arms do; a gesture that would run through the body is drawn again."""
    motions: str = field(default='', metadata={'kind': 'folder'})
    """Folder of BVH files; empty: sampled poses only."""
    motion: float = _probability(0.5)
    """Share of people who take a frame of those files, if there are any."""

    # --- wardrobe, hair, apparel (wardrobe.py, hair.py, apparel.py)
    outfits: Any = _weights(
        casual=0.46, formal=0.1, winter=0.12, sport=0.14, beach=0.05, dress=0.13
    )
    """A dress becomes something casual on three of four male builds."""
    skirts: float = _probability(0.35)
    """Share of skirts instead of trousers on female builds."""
    shoes: float = _probability(0.78)
    shoe_kinds: Any = _weights(
        sneaker=0.45, flat=0.1, boot=0.15, high_boot=0.06, loafer=0.14, sandal=0.1
    )
    socks: float = _probability(0.8)
    """Share of socks in shoes; without shoes half the people wear socks."""
    hair_female: Any = _weights(
        bald=0.01,
        buzz=0.02,
        short=0.12,
        medium=0.2,
        long=0.3,
        bun=0.1,
        tail=0.13,
        curly=0.09,
        afro=0.03,
    )
    hair_male: Any = _weights(
        bald=0.06,
        buzz=0.16,
        short=0.54,
        medium=0.07,
        long=0.03,
        bun=0.02,
        tail=0.01,
        curly=0.08,
        afro=0.03,
    )
    beard: float = _probability(0.45)
    """Share of stubble and beards on male builds."""
    hat: float = _probability(0.14)
    """About doubled in winter clothes, as is ``scarf``."""
    glasses: float = _probability(0.22)
    belt: float = _probability(0.3)
    """Of casual and formal outfits."""
    bag: float = _probability(0.14)
    scarf: float = _probability(0.06)
    watch: float = _probability(0.2)

    def __post_init__(self) -> None:
        """Check every setting and bring weights and spans to tuples."""
        for setting in fields(self):
            value = getattr(self, setting.name)
            check = _CHECKS[setting.metadata['kind']]
            # frozen: only object's own setter may bring it into form
            object.__setattr__(
                self, setting.name, check(setting.name, value, setting.metadata)
            )
        if self.environment not in ('', 'indoor', 'outdoor'):
            raise ValueError(
                f"setting environment is {self.environment!r}; use '', 'indoor' or "
                "'outdoor'"
            )

    def weights(self, name: str) -> tuple[tuple[str, ...], list[float]]:
        """Return the names of a choice and their probabilities, which add up to 1."""
        pairs = getattr(self, name)
        total = sum(weight for _, weight in pairs)
        return tuple(n for n, _ in pairs), [weight / total for _, weight in pairs]

    def choose(self, name: str, rng: Any) -> str:
        """Draw one of the named choices of a setting of weights with ``rng``."""
        names, probabilities = self.weights(name)
        return names[rng.choice(len(names), p=probabilities)]

    def draw(self, name: str, rng: Any) -> float:
        """Draw a number from a setting that is a span with ``rng``."""
        return float(rng.uniform(*getattr(self, name)))


def _check_number(name: str, value: Any, rule: Any) -> float:
    low, high = rule['within']
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not low <= value <= high
    ):
        raise ValueError(
            f'setting {name} is {value!r}; it must be a number from {low:g} to {high:g}'
        )
    return float(value)


def _check_span(name: str, value: Any, rule: Any) -> tuple[float, float]:
    low, high = rule['within']
    problem = ValueError(
        f'setting {name} is {value!r}; it must be two numbers (a, b) with '
        f'{low:g} <= a <= b <= {high:g}'
    )
    try:
        first, second = (float(v) for v in value)
    except (TypeError, ValueError):
        raise problem from None
    if not low <= first <= second <= high:
        raise problem
    return first, second


def _check_weights(name: str, value: Any, rule: Any) -> tuple[tuple[str, float], ...]:
    names = rule['names']
    problem = ValueError(
        f'setting {name} is {value!r}; it must give weights of 0 or more, not all 0, '
        f'to some of {", ".join(names)}'
    )
    try:
        given = {str(n): float(w) for n, w in dict(value).items()}
    except (TypeError, ValueError):
        raise problem from None
    values = given.values()
    if not set(given) <= set(names) or not sum(values) > 0 or min(values) < 0:
        raise problem
    if not all(map(math.isfinite, values)):
        raise problem
    return tuple((n, given.get(n, 0.0)) for n in names)


def _check_folder(name: str, value: Any, rule: Any) -> str:
    if not isinstance(value, (str, Path)):
        raise ValueError(
            f'setting {name} is {value!r}; it must be the path of a folder'
        )
    return str(value)


def _check_text(name: str, value: Any, rule: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f'setting {name} is {value!r}; it must be a text')
    return value


_CHECKS = {
    'number': _check_number,
    'span': _check_span,
    'weights': _check_weights,
    'folder': _check_folder,
    'text': _check_text,
}
