"""Where garments end: border fields on the template, in metres.

A field is negative where the garment is and grows by about a metre per metre across its
border. A field is stated at the points of its ``Regions``: all template vertices, or
the vertices of a garment's base.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sapiens_mm.synth.clothes.shells import Base
from sapiens_mm.synth.core.asset import Asset

FAR = np.float32(1.0)
"""Deep outside, or inside when negated."""


class Regions:
    """Coordinates of garment cutting at n points of the template.

    Args:
        asset: The baked human.
        base: Where to state them; all template vertices if None.

    Attributes:
        x, y, z: (n,) template coordinates; ``side`` = abs(x).
        arm, leg, foot, head: (n,) share of the limb in the skin, 0 to 1.
        along_arm: (n,) metres from the shoulder joint along the arm.
        along_leg: (n,) metres from the hip joint along the leg.
        arm_span, leg_span: Metres to the elbow and wrist; to the knee and ankle.
        sole, ankle: z of the lowest skin and of the ankle joint.
    """

    def __init__(self, asset: Asset, base: Base | None = None) -> None:
        def at(values: np.ndarray) -> np.ndarray:
            return values if base is None else base.field(values)

        self.x, self.y, self.z = at(asset.template).T
        self.side = np.abs(self.x)
        self.arm = at(asset.part('Upper_Arm', 'Lower_Arm', 'Hand'))
        self.leg = at(asset.part('Upper_Leg', 'Lower_Leg', 'Foot'))
        self.foot, self.head = at(asset.part('Foot')), at(asset.part('Face_Neck'))
        heads, bone = asset.template_heads, asset.bone_index

        def length(first: str, second: str) -> float:
            return float(np.linalg.norm(heads[bone[second]] - heads[bone[first]]))

        upper = length('upperarm01.L', 'lowerarm01.L')
        fore = length('lowerarm01.L', 'wrist.L')
        thigh = length('upperleg01.L', 'lowerleg01.L')
        shin = length('lowerleg01.L', 'foot.L')
        t_arm, t_leg = at(asset.fields['t_arm']), at(asset.fields['t_leg'])
        self.arm_span, self.leg_span = (upper, upper + fore), (thigh, thigh + shin)
        self.along_arm = np.where(t_arm < 1, t_arm * upper, upper + (t_arm - 1) * fore)
        self.along_leg = np.where(t_leg < 1, t_leg * thigh, thigh + (t_leg - 1) * shin)
        self.sole = float(asset.template[np.unique(asset.faces['body']), 2].min())
        self.ankle = float(heads[bone['foot.L']][2])


@lru_cache(maxsize=8)
def regions(asset: Asset, base: Base | None = None) -> Regions:
    """Return the cutting coordinates of an asset's vertices, or of a base's."""
    return Regions(asset, base)


def sleeves(r: Regions, end: float) -> np.ndarray:
    """Arms end ``end`` metres from the shoulder joint; the trunk is all inside."""
    return np.minimum(r.along_arm - end, 0.6 * (r.arm - 0.4))


def armholes(r: Regions, width: float) -> np.ndarray:
    """No sleeves: a hole whose shoulder edge is ``width`` metres from the middle."""
    hole = r.side - width - 0.06 * np.clip(0.66 - r.z, 0, 0.2) / 0.2
    trunk = np.minimum(r.along_arm + 0.035, 0.6 * (r.arm - 0.3))
    high = r.z - 0.52
    return np.maximum(trunk, np.minimum(hole, high))


def neckline(
    r: Regions, width: float, front: float, back: float = 0.03, point: float = 0.0
) -> np.ndarray:
    """Return the hole for the neck.

    Args:
        r: Cutting coordinates.
        width: Half the opening on the shoulder, metres; 0.07 is close to the neck.
        front: Depth of the opening in front below the neck's root, metres.
        back: The same behind.
        point: 0 is round, 1 a V.
    """
    root = 0.715
    deep = np.where(r.y < -0.02, front, back)
    down = (root - r.z) / np.maximum(deep, 0.005)
    across = r.side / width
    down = np.clip(down, -1.0, None)
    round_ = 1 - np.sqrt(across**2 + np.maximum(down, 0) ** 2)
    pointed = 1 - across - np.maximum(down, 0)
    hole = (1 - point) * round_ + point * pointed
    scale = np.where(down > 0, np.minimum(width, np.maximum(deep, 0.02)), width)
    hole = hole * scale
    hole = np.where(r.z > 0.775, np.maximum(hole, 0.03), hole)
    return np.where((r.z > 0.38) & (r.arm < 0.9), hole, -FAR)


def high_neck(r: Regions, top: float) -> np.ndarray:
    """A collar that ends at height ``top`` of the template (0.74 to 0.81)."""
    tilt = top + 0.25 * (r.y + 0.02)
    return np.where(r.arm < 0.5, r.z - tilt, -FAR)


def yoke(r: Regions, radius: float) -> np.ndarray:
    """A round patch about the neck, ``radius`` metres on the shoulders."""
    away = np.hypot(r.x, 0.95 * (r.y + 0.015)) - radius
    away = np.maximum(away, 0.675 + 0.4 * np.clip(r.y + 0.03, -0.1, 0) - r.z)
    return np.where((r.arm < 0.6) & (r.z > 0.55), away, FAR)


def hem(r: Regions, height: float, rise: float = 0.0) -> np.ndarray:
    """Cloth ends below at a height of the template, ``rise`` higher at the sides."""
    line = height + rise * np.clip(r.side / 0.16, 0, 1) ** 2
    return np.where(r.arm > 0.5, -FAR, line - r.z)


def waist(r: Regions, height: float) -> np.ndarray:
    """Trousers end above at a height of the template; they never clothe arms."""
    line = height - 0.12 * (r.y + 0.05)
    return np.where(r.arm > 0.3, FAR, r.z - line)


def legs(r: Regions, end: float) -> np.ndarray:
    """Legs end ``end`` metres from the hip joint along the leg."""
    return np.minimum(r.along_leg - end, 0.6 * (r.leg - 0.35))


def briefs(r: Regions, cut: float) -> np.ndarray:
    """Leg holes from the crotch up to ``cut`` metres below the hip bone's side."""
    edge = (0.19 - cut) * np.clip((r.side - 0.03) / 0.13, 0, 1)
    return np.where(r.arm > 0.3, FAR, edge - r.z)


def opening(r: Regions, top: float, bottom: float, high: float = 0.7) -> np.ndarray:
    """An open front, half as wide as ``top`` at the height ``high``, ``bottom`` low."""
    t = np.clip((high - r.z) / 0.6, 0, 1.4)
    half = top + (bottom - top) * t
    front = r.y < -0.02 + 0.05 * np.clip((r.z - 0.6) / 0.1, 0, 1)
    return np.where(front & (r.arm < 0.4), half - r.side, -FAR)


def within(*parts: np.ndarray) -> np.ndarray:
    """Return the border of what is inside all parts."""
    out = parts[0]
    for part in parts[1:]:
        out = np.maximum(out, part)
    return out.astype(np.float32)
