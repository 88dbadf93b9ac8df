"""Tiny sizes, drawn people with their labels, and formula weights, for tests and docs.

Nothing here comes from a file or the network.
"""

from __future__ import annotations

import dataclasses
import zlib
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from sapiens_mm import hosts
from sapiens_mm.paths import config_path

if TYPE_CHECKING:
    from mmengine.config import Config

TINY_HW = (64, 48)  # pixels; a patch grid of 4 by 3
_TINY_WIDTH = 16  # of heads

# COCO's 17 keypoints of a standing person, (x, y) as shares of the image
_STANDING = np.array(
    [
        *((0.50, 0.14), (0.53, 0.12), (0.47, 0.12), (0.56, 0.14), (0.44, 0.14)),
        *((0.62, 0.26), (0.38, 0.26), (0.70, 0.40), (0.30, 0.40)),
        *((0.73, 0.53), (0.27, 0.53), (0.57, 0.54), (0.43, 0.54)),
        *((0.58, 0.73), (0.42, 0.73), (0.59, 0.92), (0.41, 0.92)),
    ]
)
# id of Goliath-28, keypoints it runs between, half width as a share of the height
_LIMBS = (
    *((20, 12, 14, 0.055), (16, 14, 16, 0.045), (11, 11, 13, 0.055)),
    *((7, 13, 15, 0.045), (19, 6, 8, 0.035), (15, 8, 10, 0.03)),
    *((10, 5, 7, 0.035), (6, 7, 9, 0.03)),
)
_DOTS = (
    *((14, 10, 0.035), (5, 9, 0.035), (17, 16, 0.045), (8, 15, 0.045)),
    *((3, 0, 0.11), (2, 0, 0.085)),
)
_TORSO, _TORSO_CORNERS = 22, (5, 6, 12, 11)


@dataclasses.dataclass(frozen=True)
class FakePerson:
    """A drawn person and everything that is known of it.

    Attributes:
        image: Shape (H, W, 3), uint8, BGR.
        keypoints: Shape (17, 2), float32, COCO's order, (x, y) in pixels.
        box_xyxy: Shape (4,), float32, pixels; tight around ``labels > 0``.
        labels: Shape (H, W), uint8, ids of the 28 Goliath parts.
        depth: Shape (H, W), float32; near 0 and far 1 on the person, -1 elsewhere.
        normals: Shape (H, W, 3), float32; unit vectors on the person, x right,
            y up, z towards the camera; -1000 elsewhere.
    """

    image: np.ndarray
    keypoints: np.ndarray
    box_xyxy: np.ndarray
    labels: np.ndarray
    depth: np.ndarray
    normals: np.ndarray


def tiny_arch(**changes: int) -> dict[str, int]:
    """Return a size for ``SapiensViT(arch=…)`` that runs in milliseconds.

    Args:
        **changes: Replace fields: ``embed_dims``, ``num_layers``, ``num_heads``,
            ``feedforward_channels``.
    """
    arch = dict(embed_dims=32, num_layers=2, num_heads=2, feedforward_channels=64)
    unknown = sorted(set(changes) - set(arch))
    if unknown:
        raise ValueError(f'An arch has the fields {sorted(arch)}, got {unknown}')
    return {**arch, **changes}


def tiny_config(name: str, image_hw: tuple[int, int] = TINY_HW) -> Config:
    """Load a config of ours and shrink its model, codec and pipeline.

    Args:
        name: As for :func:`sapiens_mm.config_path`, of ``pose/``, ``seg/``,
            ``depth/``, ``normal/`` or ``mae/``.
        image_hw: Input of the model, multiples of 16; square for ``mae/``.

    Returns:
        The config; model types, losses, padding and statistics stay as shipped.
    """
    from mmengine.config import Config

    cfg = Config.fromfile(config_path(name))
    height, width = image_hw
    model, dim = cfg.model, tiny_arch()['embed_dims']
    model.backbone.arch = tiny_arch()
    model.backbone.img_size = image_hw
    if model.type == 'MAE':
        model.neck.update(
            num_patches=height * width // 256,
            embed_dim=dim,
            decoder_embed_dim=_TINY_WIDTH,
            decoder_depth=1,
            decoder_num_heads=2,
        )
    else:
        head = model.get('head') or model.decode_head
        kind = head.type.rpartition('.')[2]
        num_deconvs, num_convs = _NUM_STAGES[kind]
        head.update(
            in_channels=dim,
            deconv_out_channels=[_TINY_WIDTH] * num_deconvs,
            conv_out_channels=[_TINY_WIDTH] * num_convs,
        )
        if 'head' in model:
            codec = dict(
                input_size=(width, height), heatmap_size=(width // 4, height // 4)
            )
            head.decoder.update(codec, sigma=1.0)
            cfg.codec.update(codec, sigma=1.0)
        else:
            head.channels = _TINY_WIDTH
            model.data_preprocessor.size = image_hw
    for step in cfg.test_pipeline:
        for key in ('input_size', 'scale'):
            if key in step:
                step[key] = (width, height)
    return cfg


def build_model(cfg: Config) -> nn.Module:
    """Build ``cfg.model`` in the scope of its host, with formula weights.

    The host's default scope is in force for the call only; see
    :func:`fill_deterministic` for the weights.
    """
    from mmengine.registry import MODELS

    with hosts.scope(cfg.default_scope):
        return fill_deterministic(MODELS.build(cfg.model))


_NUM_STAGES = {  # deconvolutions, convolutions
    'SapiensHeatmapHead': (2, 2),
    'SapiensSegHead': (3, 3),
    'SapiensDepthHead': (4, 2),
    'SapiensNormalHead': (3, 3),
}


def fake_person(seed: int = 0, hw: tuple[int, int] = (256, 192)) -> FakePerson:
    """Draw one standing person and derive its labels.

    Args:
        seed: Chooses pose, colours and noise.
        hw: (H, W) of the image in pixels.
    """
    rng = np.random.RandomState(seed)  # the same numbers in every numpy
    height, width = hw
    shares = _STANDING + rng.uniform(-0.02, 0.02, _STANDING.shape)
    keypoints = (shares * (width - 1, height - 1)).astype(np.float32)
    labels, depth = _draw_parts(keypoints, hw)
    mask = labels > 0
    far, near = depth[mask].max(), depth[mask].min()
    depth = np.where(mask, (depth - near) / (far - near), -1).astype(np.float32)

    # orient the surface by its slopes, in units of a tenth of the image height
    surface = cv2.GaussianBlur(np.where(mask, depth, 1), (0, 0), 1.0)
    slope_y, slope_x = np.gradient(surface * height / 10)
    normals = np.dstack([slope_x, -slope_y, np.ones(hw)])
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    normals = np.where(mask[..., None], normals, -1000).astype(np.float32)

    colours = rng.randint(40, 216, (29, 3))  # of 28 parts and, last, the background
    ramp = np.linspace(-30, 30, width)[None, :, None]
    shade = np.where(mask, 20 * (0.5 - depth), 0)[..., None]
    image = colours[np.where(mask, labels, 28)] + ramp + shade
    image = np.clip(image + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8)

    rows, cols = np.nonzero(mask)
    box_xyxy = np.array([cols.min(), rows.min(), cols.max() + 1, rows.max() + 1])
    return FakePerson(
        image, keypoints, box_xyxy.astype(np.float32), labels, depth, normals
    )


def fake_person_image(seed: int = 0, hw: tuple[int, int] = (256, 192)) -> np.ndarray:
    """Draw a person: the image of :func:`fake_person`, (H, W, 3) uint8 BGR."""
    return fake_person(seed, hw).image


def _draw_parts(
    keypoints: np.ndarray, hw: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    labels = np.zeros(hw, np.uint8)
    depth = np.ones(hw, np.float32)

    def paint(part: int, drawn: np.ndarray, distance: float) -> None:
        """Give a part its label, and a depth that bulges to the camera."""
        inside = drawn > 0
        bulge = cv2.distanceTransform(drawn, cv2.DIST_L2, 5)[inside]
        labels[inside] = part
        depth[inside] = distance - 0.3 * bulge / max(bulge.max(), 1)

    def blank() -> np.ndarray:
        return np.zeros(hw, np.uint8)

    pixels = [tuple(int(round(float(v))) for v in point) for point in keypoints]
    for part, start, end, share in _LIMBS:
        thickness = max(1, round(2 * share * hw[0]))
        line = cv2.line(blank(), pixels[start], pixels[end], 1, thickness)
        paint(part, line, 0.8)
    corners = np.array([pixels[i] for i in _TORSO_CORNERS], np.int32)
    paint(_TORSO, cv2.fillPoly(blank(), [corners], 1), 0.7)
    for part, centre, share in _DOTS:
        radius = max(1, round(share * hw[0]))
        paint(part, cv2.circle(blank(), pixels[centre], radius, 1, -1), 0.6)
    return labels, depth


def fill_deterministic(model: nn.Module) -> nn.Module:
    """Set every parameter by a formula of its key and the index of the element.

    Element i of the parameter named ``key`` is a hash of ``crc32(key)`` and i, in
    [-1, 1), times ``sqrt(3 / fan_in)`` for matrices and kernels, 0.1 for biases, 0.2
    for tokens and tables; weights of norms are 1 plus a tenth of it. Integer
    arithmetic alone makes the hash, so machines agree to the last bit.

    Args:
        model: Changed in place; buffers stay.

    Returns:
        The same model.
    """
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            values = torch.from_numpy(hash_uniform(key, parameter.numel()))
            parameter.copy_(_scaled(key, values.reshape(parameter.shape)))
    return model


def _scaled(key: str, values: Tensor) -> Tensor:
    if values.ndim == 1:
        return 1 + 0.1 * values if key.endswith('weight') else 0.1 * values
    if values.ndim == 3:
        return 0.2 * values
    return values * (3 * values.shape[0] / values.numel()) ** 0.5


def hash_uniform(key: str, count: int) -> np.ndarray:
    """Return ``count`` float32 numbers in [-1, 1) that depend on ``key`` alone.

    The hash is the finaliser of SplitMix64 (Steele et al. 2014) over
    ``crc32(key) * 2**32 + i``; its upper 24 bits make the number, exactly.
    """
    x = np.arange(count, dtype=np.uint64) + np.uint64(zlib.crc32(key.encode()) << 32)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    x ^= x >> np.uint64(31)
    return ((x >> np.uint64(40)).astype(np.float32) / 2**23 - 1).astype(np.float32)


def pose_sample(person: FakePerson, codec: Any, num_keypoints: int = 17) -> Any:
    """Pack a drawn person as mmpose's pipeline does, with its encoded heatmaps.

    Args:
        person: Drawn at the codec's input size.
        codec: A built ``UDPHeatmap``.
        num_keypoints: K; the 17 are repeated to fill it.

    Returns:
        A ``PoseDataSample``.
    """
    from mmengine.structures import InstanceData, PixelData
    from mmpose.structures import PoseDataSample

    indices = np.arange(num_keypoints) % 17
    keypoints = person.keypoints[indices][None]
    encoded = codec.encode(keypoints, np.ones((1, num_keypoints), np.float32))
    height, width = person.labels.shape
    sample = PoseDataSample(
        metainfo=dict(
            img_shape=(height, width),
            ori_shape=(height, width),
            input_size=(width, height),
            input_center=np.array([width / 2, height / 2], np.float32),
            input_scale=np.array([width, height], np.float32),
            flip_indices=list(range(num_keypoints)),
        )
    )
    sample.gt_instances = InstanceData(
        bboxes=person.box_xyxy[None], bbox_scores=np.ones(1, np.float32)
    )
    sample.gt_instance_labels = InstanceData(
        keypoint_weights=torch.from_numpy(encoded['keypoint_weights'])
    )
    sample.gt_fields = PixelData(heatmaps=torch.from_numpy(encoded['heatmaps']))
    return sample


def map_sample(person: FakePerson, task: str) -> Any:
    """Pack a drawn person as mmseg's pipeline does.

    Args:
        person: The labels' source.
        task: ``'seg'``, ``'depth'`` or ``'normal'``.

    Returns:
        A ``SegDataSample`` with ``gt_sem_seg`` or ``gt_map``.
    """
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    height, width = person.labels.shape
    sample = SegDataSample(
        metainfo=dict(
            img_shape=(height, width),
            ori_shape=(height, width),
            scale_factor=(1.0, 1.0),
            flip=False,
        )
    )
    if task == 'seg':
        data = torch.from_numpy(person.labels.astype(np.int64))[None]
        sample.gt_sem_seg = PixelData(data=data)
    elif task == 'depth':
        sample.gt_map = PixelData(data=torch.from_numpy(person.depth)[None])
    elif task == 'normal':
        data = torch.from_numpy(person.normals.transpose(2, 0, 1).copy())
        sample.gt_map = PixelData(data=data)
    else:
        raise ValueError(f"task must be 'seg', 'depth' or 'normal', got {task!r}")
    return sample
