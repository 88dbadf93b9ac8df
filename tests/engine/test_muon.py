"""One optimizer, against torch's two on the same gradients."""

import copy
import io

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

from sapiens_mm.engine import SapiensMuon
from sapiens_mm.testing import TINY_HW, build_model, tiny_config

pytestmark = pytest.mark.skipif(
    not hasattr(torch.optim, 'Muon'), reason='torch before 2.9 has no Muon'
)
SETTINGS = dict(lr=0.01, weight_decay=0.1)


def model_of(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8, 16), nn.LayerNorm(16)
    )


def backward(model, seed):
    picture = torch.rand(4, 3, 3, 3, generator=torch.Generator().manual_seed(seed))
    model.zero_grad()
    (model(picture) - 1).pow(3).abs().mean().backward()


def equal(one, other):
    return all(map(torch.equal, one.parameters(), other.parameters()))


def test_it_is_torchs_muon_and_torchs_adamw():
    ours, theirs = model_of(), model_of()
    optimizer = SapiensMuon(ours.parameters(), muon_lr_mult=5.0, **SETTINGS)
    matrix = [p for p in theirs.parameters() if p.ndim == 2]
    rest = [p for p in theirs.parameters() if p.ndim != 2]
    assert len(matrix) == 1 and len(rest) == 5
    muon = torch.optim.Muon(
        matrix, lr=0.05, weight_decay=0.1, adjust_lr_fn='match_rms_adamw'
    )
    adamw = torch.optim.AdamW(rest, **SETTINGS)
    for step in range(4):
        backward(ours, step)
        backward(theirs, step)
        optimizer.step()
        muon.step()
        adamw.step()
        assert equal(ours, theirs)
    assert not equal(ours, model_of())


def test_a_step_moves_every_direction_of_a_matrix_alike():
    weight = nn.Parameter(torch.zeros(6, 4))
    left, right = (torch.linalg.qr(torch.randn(n, n))[0] for n in (6, 4))
    weight.grad = left[:, :4] @ torch.diag(torch.tensor([100.0, 10, 1, 0.5])) @ right
    SapiensMuon([weight], lr=1.0, weight_decay=0.0).step()
    singular = torch.linalg.svdvals(weight.detach())
    assert singular.max() / singular.min() < 3  # of 200; torch's iteration is rough
    # as large as Adam's steps with bias correction: 0.2 of lr, root mean square
    assert weight.detach().pow(2).mean().sqrt() == pytest.approx(0.2, rel=0.35)


def test_a_checkpoint_goes_on_as_if_nothing_had_happened():
    model = model_of()
    optimizer = SapiensMuon(model.parameters(), **SETTINGS)
    for step in range(3):
        backward(model, step)
        optimizer.step()
    twin = copy.deepcopy(model)
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    resumed = SapiensMuon(twin.parameters(), lr=9.0)
    resumed.load_state_dict(torch.load(file))
    for step in range(3, 6):
        for each, its in ((model, optimizer), (twin, resumed)):
            backward(each, step)
            its.step()
    assert equal(model, twin)


def test_groups_keep_their_rates_and_their_decay():
    matrix, bias = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2))
    optimizer = SapiensMuon(
        [
            dict(params=iter([matrix, bias]), lr=0.5, weight_decay=0.0, name='block'),
            dict(params=nn.Parameter(torch.ones(3))),
        ],
        lr=0.25,
        muon_lr_mult=4.0,
    )
    assert [
        (g['muon'], g['lr'], g['weight_decay'], g.get('name'))
        for g in optimizer.param_groups
    ] == [
        (True, 2.0, 0.0, 'block'),
        (False, 0.5, 0.0, 'block'),
        (False, 0.25, 0.05, None),
    ]


def test_a_model_of_ours_trains_with_it_by_config():
    model = build_model(tiny_config('pose/sapiens_0.3b_goliath308-1024x768'))
    wrapper = build_optim_wrapper(
        model,
        dict(
            type='sapiens_mm.SapiensOptimWrapper',
            optimizer=dict(type='sapiens_mm.SapiensMuon', lr=1e-3, muon_lr_mult=7.0),
            constructor='sapiens_mm.SapiensLayerDecayConstructor',
            paramwise_cfg=dict(layer_decay_rate=1.0, head_lr_mult=10.0),
        ),
    )
    rates = {}
    for group in wrapper.optimizer.param_groups:
        for param in group['params']:
            rates[id(param)] = round(group['lr'], 6)
    wanted = {
        name: 0.01 if name.startswith('head') else 0.007 if p.ndim == 2 else 0.001
        for name, p in model.named_parameters()
    }
    assert {name: rates[id(p)] for name, p in model.named_parameters()} == wanted
    assert set(wanted.values()) == {0.01, 0.007, 0.001}
    before = copy.deepcopy(model.state_dict())
    height, width = TINY_HW
    loss = model.backbone(torch.rand(1, 3, height, width))[-1].pow(2).mean()
    wrapper.update_params(loss)
    moved = {
        name for name, p in model.named_parameters() if not torch.equal(p, before[name])
    }
    assert any(name.endswith('qkv.weight') for name in moved)
    assert not any(name.startswith('head') for name in moved)


@pytest.mark.parametrize(
    ('wrong', 'told'),
    [
        (dict(lr=-1.0), 'earning rate'),
        (dict(muon_lr_mult=0.0), 'muon_lr_mult must be above 0'),
        (dict(betas=(2.0, 0.9)), 'beta'),
        (dict(momentum=-1.0), 'momentum'),
    ],
)
def test_wrong_numbers_are_refused(wrong, told):
    with pytest.raises(ValueError, match=told):
        SapiensMuon([nn.Parameter(torch.ones(2, 2))], **wrong)


def test_old_torch_is_told_what_is_missing(monkeypatch):
    monkeypatch.delattr(torch.optim, 'Muon')
    with pytest.raises(ImportError, match=r'needs torch\.optim\.Muon, of torch 2\.9'):
        SapiensMuon([nn.Parameter(torch.ones(2, 2))])
