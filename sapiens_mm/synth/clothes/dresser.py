"""Putting layers on a body: every layer stays outside the ones below."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from sapiens_mm.synth.body.body import Body
from sapiens_mm.synth.clothes.drape import Cut, drape
from sapiens_mm.synth.clothes.fields import Regions, regions
from sapiens_mm.synth.clothes.shells import (
    Base,
    Shell,
    make_shell,
    pose_base,
    select,
    tights,
)
from sapiens_mm.synth.core.asset import Asset
from sapiens_mm.synth.core.jit import kernel
from sapiens_mm.synth.core.mesh import Material, Mesh, make_mesh, used_vertices
from sapiens_mm.tables.body_parts import PART_IDS_28

Border = Callable[[Regions], np.ndarray]
"""Gives the border field of a garment, negative inside, at any points."""

UPPER, LOWER = 'Upper_Clothing', 'Lower_Clothing'

MARGIN = 0.014
"""Metres from a garment's edge at which the skin below it ends."""


@dataclass
class Dresser:
    """A person who is being dressed.

    Attributes:
        asset, body: Who.
        person: Number of the person.
        rng: Drawn from.
        seat: Corners of the box below a sitter, or None.
        meshes: What is worn so far.
        hidden: (V,) bool, skin that cloth covers.
        worn: (N,) metres from the base to the outside of what is worn.
    """

    asset: Asset
    body: Body
    person: int
    rng: np.random.Generator
    seat: tuple[np.ndarray, np.ndarray] | None = None
    meshes: list[Mesh] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Pose the base and measure it."""
        self.base: Base = tights(self.asset)
        self.posed = pose_base(self.base, self.body.vertices)
        self.at_base = regions(self.asset, self.base)
        self.at_skin = regions(self.asset)
        self.hidden = np.zeros(len(self.body.vertices), bool)
        self.worn = np.zeros(len(self.posed.points), np.float32)

    def wear(
        self,
        border: Border,
        label: str,
        material: Material,
        *,
        thick: float = 0.004,
        loose: Callable[[Regions], np.ndarray] | float = 0.0,
        pull: float = 0.5,
        rounds: int = 12,
        sag: Callable[[Regions], np.ndarray] | float = 0.0,
        folds: float = 0.0,
        hides: bool = True,
        sides: bool = False,
    ) -> Shell:
        """Put a shell on.

        Args:
            border: Where it is.
            label: Its class; 'Sock' and 'Shoe' get their side's name.
            material: How it looks.
            thick: Metres from what is below to the cloth.
            loose: Metres more, by place.
            pull: Of ``make_shell``; more spans more.
            rounds: Of ``make_shell``.
            sag: Metres down in all, by place.
            folds: Of ``make_shell``.
            hides: Whether the skin below is left out.
            sides: Whether left and right are two things.
        """
        edge = border(self.at_base).astype(np.float32)
        slack = loose(self.at_base) if callable(loose) else np.full(len(edge), loose)
        hang = sag(self.at_base) if callable(sag) else sag
        shell = make_shell(
            self.posed,
            edge,
            # over what is worn there already, so that layers never cross
            thick + self.worn,
            slack.astype(np.float32),
            pull=pull,
            rounds=rounds,
            sag=hang,
            folds=folds,
            seed=int(self.rng.integers(2**20)),
        )
        self._cover(border, shell, hides)
        self._add_sides(shell, shell.normals, label, material, sides)
        return shell

    def _add_sides(
        self,
        shell: Shell,
        normals: np.ndarray,
        label: str,
        material: Material,
        sides: bool,
    ) -> None:
        """Append a shell as one thing or as a left and a right one."""
        if not sides:
            self.add(shell, normals, label, material)
            return
        left = shell.template[:, 0] > 0
        for side, mine in (('Left', left), ('Right', ~left)):
            faces = shell.faces[mine[shell.faces].all(1)]
            if len(faces):
                part = Shell(shell.points, faces, shell.cut, shell.template, shell.rows)
                self.add(part, normals, f'{side}_{label}', material)

    def _cover(self, border: Border, shell: Shell, hides: bool) -> None:
        """Raise the outside and hide the skin below."""
        posed = self.posed
        _raise(
            self.worn, shell.points, shell.cut, shell.rows, posed.points, posed.normals
        )
        if hides:
            # the skin ends inside the garment's edge, or its own edge would show
            self.hidden |= border(self.at_skin) < -MARGIN

    def add(
        self,
        shell: Shell,
        normals: np.ndarray,
        label: str,
        material: Material,
        aux: np.ndarray | None = None,
    ) -> None:
        """Append a finished shell; vertices of no face are dropped."""
        ids, faces = used_vertices(len(shell.points), shell.faces)
        used = ids if len(ids) < len(shell.points) else slice(None)
        self.meshes.append(
            make_mesh(
                shell.points[used],
                faces,
                material,
                PART_IDS_28[label],
                person=self.person,
                normals=normals[used],
                cut=shell.cut[used],
                template=shell.template[used],
                aux=None if aux is None else aux[used],
            )
        )

    def patch(
        self,
        shell: Shell,
        border: Border,
        label: str,
        material: Material,
        height: float = 0.0015,
        sides: bool = False,
    ) -> None:
        """Sew a patch on a shell: a pocket, a band, a print.

        Args:
            shell: Below it.
            border: Where it is; the shell's own border holds too.
            label: Its class.
            material: How it looks.
            height: Metres above the shell.
            sides: Whether left and right are two things.
        """
        edge = border(self.at_base)[shell.rows]
        cut = np.maximum(1 + edge / 0.02, shell.cut).astype(np.float32)
        used, faces = select(cut, shell.faces)
        if not len(used):
            return
        rows = shell.rows[used]
        normals = shell.normals[used]
        # normals of a smoothed shell may turn inwards in a fold
        normals[(normals * self.posed.normals[rows]).sum(1) < 0] *= -1
        points = shell.points[used] + np.float32(height) * normals
        part = Shell(points, faces, cut[used], shell.template[used], rows)
        self._add_sides(part, normals, label, material, sides)

    def hang(self, cut: Cut, label: str, material: Material) -> None:
        """Hang a skirt or the tails of a coat from the waist."""
        at = self.at_base
        ring = (np.abs(at.z - cut.top) < 0.03) & (at.arm < 0.2)
        below = float(np.quantile(self.worn[ring], 0.8)) if ring.any() else 0.0
        # 4 mm between, as hanging cloth is not held to what is below
        gap = max(cut.gap, below + 0.004)
        cut = Cut(**{**vars(cut), 'gap': gap})
        grid = drape(self.asset, self.body.rest, self.body.vertices, cut, self.seat)
        self.meshes.append(
            make_mesh(
                grid.points,
                grid.faces,
                material,
                PART_IDS_28[label],
                person=self.person,
                template=grid.template,
            )
        )

    def put(
        self,
        points: np.ndarray,
        faces: np.ndarray,
        label: str,
        material: Material,
        **more: np.ndarray,
    ) -> None:
        """Append any mesh of the person in the world."""
        self.meshes.append(
            make_mesh(
                points, faces, material, PART_IDS_28[label], person=self.person, **more
            )
        )


@kernel
def _raise(
    worn: np.ndarray,
    points: np.ndarray,
    cut: np.ndarray,
    rows: np.ndarray,
    skin: np.ndarray,
    normals: np.ndarray,
) -> None:
    """Bring what is worn at the base's ``rows`` up to a shell's points, in place."""
    for i in range(len(rows)):
        if cut[i] < 1.6:
            r = rows[i]
            height = (points[i, 0] - skin[r, 0]) * normals[r, 0]
            height += (points[i, 1] - skin[r, 1]) * normals[r, 1]
            height += (points[i, 2] - skin[r, 2]) * normals[r, 2]
            worn[r] = max(worn[r], height)
