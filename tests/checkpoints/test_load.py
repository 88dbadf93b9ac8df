import pytest
import torch
from checkpoint_util import (
    GRID,
    Holder,
    build_pose,
    head_shapes,
    official_shapes,
    on_meta,
    reference_resize,
    strip_prefix,
    tiny_shapes,
    tiny_weights,
)
from sentences import says
from torch import nn

from sapiens_mm.checkpoints import (
    CheckpointError,
    identify,
    keys,
    load_into_new,
    load_weights,
    read_checkpoint,
)

# load_into_new


def test_new_model_gets_every_value(save):
    weights = tiny_weights()
    model, report = load_into_new(build_pose, save(weights))
    state = model.state_dict()
    assert set(state) == set(weights)
    assert all(torch.equal(state[name], weights[name]) for name in weights)
    assert report.is_complete and report.loaded == list(state)
    assert report.identity.task == 'pose' and '37 tensors' in str(report)


def test_parameters_are_ordinary(save):
    def build():
        model = build_pose()
        model.backbone.pos_embed.requires_grad = False
        return model

    path = save(tiny_weights())
    model, _ = load_into_new(build, path)
    for name, parameter in model.named_parameters():
        assert type(parameter) is nn.Parameter and parameter.is_leaf
        assert parameter.requires_grad is (name != 'backbone.pos_embed')
        assert parameter.is_contiguous() and parameter.data_ptr() % 64 == 0
        own = parameter.untyped_storage()
        assert own.nbytes() == parameter.numel() * 4 and own.filename is None
    path.write_bytes(b'overwritten')  # the model does not lean on the file
    assert torch.equal(
        model.head.final_layer.bias, tiny_weights()['head.final_layer.bias']
    )


def test_model_is_never_initialised(save):
    devices = []

    def build():
        devices.append(torch.empty(0).device.type)
        return build_pose()

    load_into_new(build, save(tiny_weights()))
    assert devices == ['meta']


@pytest.mark.parametrize('stored', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize('dtype', [None, torch.float32, torch.bfloat16, torch.float16])
def test_dtype(save, stored, dtype):
    weights = tiny_weights(dtype=stored)
    model, _ = load_into_new(build_pose, save(weights), dtype=dtype)
    for name, value in model.state_dict().items():
        assert value.dtype == (dtype or torch.float32)
        assert torch.equal(value, weights[name].to(value.dtype))


def test_the_names_of_a_file_are_unwrapped_once(save, monkeypatch):
    unwrapped = []
    strip = keys.strip_wrappers
    monkeypatch.setattr(
        keys, 'strip_wrappers', lambda name: unwrapped.append(name) or strip(name)
    )
    weights = tiny_weights()
    path = save({f'module.{name}': value for name, value in weights.items()})
    checkpoint = read_checkpoint(path)
    assert identify(checkpoint).prefix_style == 'module.backbone.'
    load_into_new(build_pose, checkpoint)
    wrapped = [name for name in unwrapped if name.startswith('module.')]
    assert len(wrapped) == len(weights)
    assert len(unwrapped) == 2 * len(weights)  # the file's and the model's


def test_source_may_be_open_or_in_memory(save):
    weights = tiny_weights()
    path = save(weights)
    checkpoint = read_checkpoint(path)
    for source in (checkpoint, checkpoint, weights, str(path)):  # more than once
        model, _ = load_into_new(build_pose, source)
        state = model.state_dict()
        assert all(torch.equal(state[name], weights[name]) for name in weights)
    assert (
        model.backbone.pos_embed.data_ptr() != weights['backbone.pos_embed'].data_ptr()
    )


def test_real_buffers_stay_and_unreal_ones_raise():
    class Preprocessor(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer('mean', torch.ones(3), persistent=False)

    ready = Preprocessor()

    def build(make):
        model = build_pose()
        model.data_preprocessor = make()
        return model

    weights = tiny_weights()
    model, _ = load_into_new(
        lambda: build(lambda: ready), weights, dtype=torch.bfloat16
    )
    assert torch.equal(model.data_preprocessor.mean, torch.ones(3))  # float32 still
    with pytest.raises(
        RuntimeError, match=r'data_preprocessor\.mean stayed on the meta'
    ):
        load_into_new(lambda: build(Preprocessor), weights)


def test_tied_parameters_raise():
    def build():
        model = build_pose()
        model.backbone.layers.get_submodule(
            '1'
        ).ln1 = model.backbone.layers.get_submodule('0').ln1
        return model

    with pytest.raises(RuntimeError, match='are one parameter'):
        load_into_new(build, tiny_weights())


@pytest.mark.parametrize('wrapper', ['module.', 'model.', '_orig_mod.'])
def test_wrapped_files(save, wrapper):
    weights = tiny_weights()
    wrapped = {wrapper + name: value for name, value in weights.items()}
    wrapped['data_preprocessor.mean'] = torch.zeros(3, 1, 1)
    model, report = load_into_new(build_pose, save(wrapped))
    state = model.state_dict()
    assert all(torch.equal(state[name], weights[name]) for name in weights)
    assert report.ignored == ['data_preprocessor.mean']


def test_bare_encoders_both_ways(save):
    weights = tiny_weights()
    bare = strip_prefix(weights)
    shapes = {name: tuple(value.shape) for name, value in bare.items()}
    encoder = {k: v for k, v in weights.items() if k.startswith('backbone.')}
    for source in (bare, encoder):
        model, report = load_into_new(lambda: Holder(shapes, GRID), save(source))
        state = model.state_dict()
        assert all(torch.equal(state[name], bare[name]) for name in bare)
        assert report.loaded == list(encoder)
    prefixed = {f'backbone.{name}': shape for name, shape in shapes.items()}
    model, _ = load_into_new(lambda: Holder(prefixed, GRID), save(bare))
    assert torch.equal(model.backbone.pos_embed, bare['pos_embed'])


def test_only_the_encoder_of_a_whole_file(save):
    weights = tiny_weights()
    shapes = {k: tuple(v.shape) for k, v in strip_prefix(weights).items()}
    path = save(weights)
    model, report = load_into_new(lambda: Holder(shapes, GRID), path, part='backbone')
    assert torch.equal(model.pos_embed, weights['backbone.pos_embed'])
    assert report.skipped == [k for k in weights if k.startswith('head.')]
    with pytest.raises(CheckpointError, match='pose checkpoint with 17 keypoints'):
        load_into_new(lambda: Holder(shapes, GRID), path)


# what does not fit


def test_wrong_number_of_keypoints(save):
    with pytest.raises(CheckpointError) as caught:
        load_into_new(
            lambda: build_pose(133), save(tiny_weights()), expected_hint='pose/x'
        )
    assert str(caught.value).endswith(
        'pose checkpoint with 17 keypoints, but the config pose/x wants a Sapiens-like '
        '(width 32, 2 blocks) pose model with 133 keypoints.'
    )


def test_wrong_size_names_the_config_that_fits():
    weights = on_meta(official_shapes('1b', 'pose', 308))
    with pytest.raises(CheckpointError) as caught:
        load_into_new(lambda: Holder(official_shapes('0.3b', 'pose', 17)), weights)
    facts = ('1B pose', '308 keypoints', 'wants', '0.3B pose', '17 keypoints')
    says(caught.value, *facts, 'pose/sapiens_1b_goliath308-1024x768')


@pytest.mark.parametrize('task, outputs', [('seg', 28), ('depth', 1), ('normal', 3)])
def test_wrong_task(save, task, outputs):
    path = save(tiny_weights(task=task, outputs=outputs))
    with pytest.raises(CheckpointError, match='wants a .* pose model'):
        load_into_new(build_pose, path)
    with pytest.raises(CheckpointError, match='wants a .* pose model'):
        load_weights(build_pose(), path)


def test_encoder_is_not_enough(save):
    path = save(strip_prefix(tiny_weights()))
    with pytest.raises(
        CheckpointError, match='encoder checkpoint, but the config wants'
    ):
        load_into_new(build_pose, path)


@pytest.mark.parametrize('load', [load_into_new, load_weights])
def test_every_unmatched_key_is_named(save, load):
    weights = tiny_weights()
    del weights['backbone.layers.1.ln2.bias']
    weights['head.extra.weight'] = torch.zeros(2)
    weights['head.conv_layers.0.bias'] = torch.zeros(3)
    target = build_pose if load is load_into_new else build_pose()
    with pytest.raises(CheckpointError) as caught:
        load(target, save(weights))
    text = str(caught.value)
    assert '1 missing (backbone.layers.1.ln2.bias)' in text
    assert '1 unexpected (head.extra.weight)' in text
    assert '1 mismatched (head.conv_layers.0.bias: (3,) -> (8,))' in text


def test_failed_load_changes_nothing(save):
    weights = tiny_weights()
    del weights['head.final_layer.bias']
    model = build_pose()
    with pytest.raises(CheckpointError):
        load_weights(model, save(weights))
    assert all((parameter == 1).all() for parameter in model.parameters())


# load_weights


def test_existing_parameters_are_written_in_place(save):
    weights = tiny_weights()
    model = build_pose().bfloat16()
    before = dict(model.named_parameters())
    report = load_weights(model, save(weights))
    for name, parameter in model.named_parameters():
        assert parameter is before[name] and parameter.requires_grad
        assert torch.equal(parameter, weights[name].bfloat16())
    assert report.is_complete


def test_backbone_into_another_task(save):
    weights = tiny_weights(task='seg', outputs=28, rows=16)
    model = build_pose()
    report = load_weights(model, save(weights), part='backbone')
    expected = reference_resize(weights['backbone.pos_embed'], (4, 4), GRID)
    assert torch.equal(model.backbone.pos_embed, expected)
    assert all((parameter == 1).all() for parameter in model.head.parameters())
    assert report.skipped == [k for k in weights if k.startswith('decode_head.')]
    assert report.is_complete and report.resized == ['backbone.pos_embed']


def test_new_head_only_where_allowed(save):
    weights = tiny_weights(outputs=17)
    path = save(weights)
    model = build_pose(133)
    with pytest.raises(CheckpointError, match='wants a .* with 133 keypoints'):
        load_weights(model, path)
    report = load_weights(model, path, allow_new_head=True)
    assert [text.partition(':')[0] for text in report.mismatched] == [
        'head.final_layer.weight',
        'head.final_layer.bias',
    ]
    assert (model.head.final_layer.weight == 1).all()
    deconv = model.head.deconv_layers.get_submodule('0').weight
    assert torch.equal(deconv, weights['head.deconv_layers.0.weight'])
    assert not report.is_complete and '2 mismatched' in str(report)


def test_new_head_of_another_task_keeps_the_backbone_strict(save):
    weights = tiny_weights(task='seg', outputs=28)
    model = build_pose()
    report = load_weights(model, save(weights), allow_new_head=True)
    own_head = head_shapes('pose', 32, 17, channels=8)
    assert sorted(report.missing) == sorted(own_head)
    assert all(name.startswith('decode_head.') for name in report.unexpected)
    del weights['backbone.ln1.bias']
    with pytest.raises(CheckpointError, match='wants|missing'):
        load_weights(model, save(weights), allow_new_head=True)


def test_not_strict_reports_and_still_refuses_nothing_in_common(save):
    weights = tiny_weights()
    del weights['backbone.ln1.bias']
    report = load_weights(build_pose(), save(weights), strict=False)
    assert report.missing == ['backbone.ln1.bias']
    with pytest.raises(CheckpointError, match='no Sapiens checkpoint'):
        load_weights(build_pose(), save({'conv.weight': torch.zeros(2)}), strict=False)


def test_encoder_without_final_norm(save):
    shapes = {
        k: v for k, v in tiny_shapes().items() if not k.startswith('backbone.ln1')
    }
    report = load_weights(Holder(shapes, GRID), save(tiny_weights()), part='backbone')
    assert set(report.skipped) >= {'backbone.ln1.weight', 'backbone.ln1.bias'}


def test_wrong_width_for_a_backbone(save):
    path = save(tiny_weights(dim=64))
    with pytest.raises(CheckpointError, match=r'width 64.*width 32'):
        load_weights(build_pose(), path, part='backbone')


def test_misuse():
    with pytest.raises(ValueError, match="got 'head'"):
        load_weights(build_pose(), tiny_weights(), part='head')
    with torch.device('meta'):
        model = build_pose()
    with pytest.raises(RuntimeError, match='use load_into_new'):
        load_weights(model, tiny_weights())


def test_wrapped_model(save):
    wrapped = nn.Module()
    wrapped.module = build_pose()  # as DistributedDataParallel has it
    weights = tiny_weights()
    report = load_weights(wrapped, save(weights))
    state = wrapped.module.state_dict()
    assert report.is_complete
    assert all(torch.equal(state[name], weights[name]) for name in weights)
