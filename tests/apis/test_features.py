import numpy as np
import pytest
import torch
from PIL import Image

from sapiens_mm.apis import FeatureInferencer
from sapiens_mm.testing import build_model, fake_person_image


def by_hand(model, photo, size_wh, mirror=False):
    rgb = Image.fromarray(photo[:, :, ::-1]).resize(size_wh, Image.BICUBIC)
    x = torch.from_numpy(np.asarray(rgb).copy()).permute(2, 0, 1)[None].float()
    mean = torch.tensor([123.675, 116.28, 103.53])[:, None, None]
    std = torch.tensor([58.395, 57.12, 57.375])[:, None, None]
    x = (x - mean) / std
    with torch.no_grad():
        out = model(x.flip(-1) if mirror else x)[0]
    return (out.flip(-1) if mirror else out)[0].numpy()


def test_mae_encoder_equals_the_formula(tiny):
    pytest.importorskip('mmpretrain')
    cfg, checkpoint = tiny('mae')
    backbone = build_model(cfg).eval().backbone
    photo = fake_person_image(0, (90, 70))
    features = FeatureInferencer(cfg, checkpoint, device='cpu')(photo).features
    assert features.shape == (32, 4, 4) and features.dtype == np.float32
    expected = by_hand(lambda x: backbone(x, mask=None), photo, (64, 64))
    np.testing.assert_allclose(features, expected, atol=1e-5)
    flipped = FeatureInferencer(cfg, checkpoint, device='cpu', flip_test=True)(photo)
    mirrored = by_hand(lambda x: backbone(x, mask=None), photo, (64, 64), True)
    np.testing.assert_allclose(flipped.features, (expected + mirrored) / 2, atol=1e-5)


def test_features_of_a_fine_tuned_model_and_bare_encoders(tiny, tmp_path):
    pytest.importorskip('mmpose')
    cfg, checkpoint = tiny('pose')
    model = build_model(cfg).eval()
    photo = fake_person_image(0, (90, 70))
    expected = by_hand(model.backbone, photo, (48, 64))
    bare = tmp_path / 'clean.pth'
    torch.save(model.backbone.state_dict(), bare)
    for path in (checkpoint, bare):
        features = FeatureInferencer(cfg, path, device='cpu')(photo).features
        assert features.shape == (32, 4, 3)
        np.testing.assert_allclose(features, expected, atol=1e-5)
