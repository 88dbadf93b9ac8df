import pytest
import torch
from checkpoint_util import (
    SIZES,
    Holder,
    encoder_shapes,
    official_shapes,
    on_meta,
    strip_prefix,
    tiny_shapes,
    tiny_weights,
)
from sentences import says

from sapiens_mm.checkpoints import explain_mismatch, identify

# size -> parameters of the encoder without class token, spec 2.1
ENCODER_PARAMS = {
    '0.3b': 306_244_608,
    '0.6b': 634_597_120,
    '1b': 1_139_163_648,
    '2b': 2_131_943_040,
}
CASES = [
    ('pose', 17, 'keypoints', ['pose/sapiens_{}_coco17-1024x768']),
    ('pose', 133, 'keypoints', ['pose/sapiens_{}_wholebody133-1024x768']),
    ('pose', 308, 'keypoints', ['pose/sapiens_{}_goliath308-1024x768']),
    ('seg', 28, 'classes', ['seg/sapiens_{}_goliath28-1024x768']),
    (
        *('seg', 20, 'classes'),
        ['seg/sapiens_{}_lip20-1024x768', 'seg/sapiens_{}_cihp20-1024x768'],
    ),
    ('seg', 19, 'classes', ['seg/sapiens_{}_face19-1024x768']),
    ('depth', 1, '', ['depth/sapiens_{}_render_people-1024x768']),
    ('normal', 3, '', ['normal/sapiens_{}_render_people-1024x768']),
]


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('task, outputs, noun, configs', CASES)
def test_every_released_kind(size, task, outputs, noun, configs):
    found = identify(on_meta(official_shapes(size, task, outputs)))
    assert (found.task, found.size, found.num_outputs) == (task, size, outputs)
    assert (found.embed_dim, found.depth) == SIZES[size]
    assert found.arch == f'sapiens_{size}'
    assert (found.num_position_rows, found.has_cls_token) == (3072, False)
    assert found.config_names() == tuple(name.format(size) for name in configs)
    spelt = 'segmentation' if task == 'seg' else task
    expected = f'a Sapiens {size.upper()} {spelt} checkpoint'
    assert found.describe() == expected + (f' with {outputs} {noun}' if noun else '')


@pytest.mark.parametrize('size', SIZES)
def test_shapes_have_the_published_number_of_parameters(size):
    dim, depth = SIZES[size]
    shapes = encoder_shapes(dim, depth, rows=3072)
    total = sum(torch.Size(shape).numel() for shape in shapes.values())
    assert total == ENCODER_PARAMS[size]


@pytest.mark.parametrize('size', SIZES)
def test_pretrained_files(size):
    mae = on_meta(official_shapes(size, 'mae'))
    clean = strip_prefix(mae)  # what the _clean.pth files hold
    found, bare = identify(mae), identify(clean)
    assert (found.task, bare.task) == ('mae', 'encoder')
    assert found.has_cls_token and bare.has_cls_token
    assert found.num_position_rows == bare.num_position_rows == 4097
    assert (found.prefix_style, bare.prefix_style) == ('backbone.', '')
    config = (f'mae/sapiens_{size}_humans-1024x1024',)
    assert found.config_names() == bare.config_names() == config
    assert bare.describe() == f'a Sapiens {size.upper()} encoder checkpoint'


def test_wrapped_and_half():
    weights = tiny_weights(dtype=torch.bfloat16)
    wrapped = {f'module.{name}': value for name, value in weights.items()}
    found = identify(wrapped)
    assert (found.task, found.size, found.arch) == ('pose', None, None)
    assert found.prefix_style == 'module.backbone.'
    assert found.dtype == 'bfloat16'
    assert found.config_names() == ()
    assert 'width 32, 2 blocks' in found.describe()


def test_foreground_model_is_segmentation():
    found = identify(on_meta(official_shapes('1b', 'seg', 1)))
    assert (found.task, found.num_outputs, found.config_names()) == ('seg', 1, ())


@pytest.mark.parametrize(
    'names, words',
    [
        (
            ['backbone.stem.0.conv.weight', 'bbox_head.rtm_cls.0.weight'],
            'mmdet detector',
        ),
        (['conv1.weight'], 'no Sapiens checkpoint'),
        ([], 'no Sapiens checkpoint'),
    ],
)
def test_others_are_unknown(names, words):
    found = identify({name: torch.zeros(1) for name in names})
    assert found.task == 'unknown' and found.config_names() == ()
    assert words in found.describe()


def test_unknown_head():
    shapes = tiny_shapes() | {'other_head.weight': (3, 3)}
    shapes = {k: v for k, v in shapes.items() if not k.startswith('head.')}
    found = identify(on_meta(shapes))
    assert found.task == 'unknown' and 'unknown head' in found.describe()


def test_several_tasks_are_to_be_split():
    shapes = tiny_shapes()
    shapes = {k.replace('head.', 'head.heads.pose.'): v for k, v in shapes.items()}
    found = identify(on_meta(shapes))
    assert found.task == 'unknown' and found.is_multitask
    assert 'several tasks (sapiens convert split' in found.describe()
    assert not identify(on_meta(tiny_shapes())).is_multitask


def test_mismatch_is_one_sentence():
    file = identify(on_meta(official_shapes('1b', 'pose', 133)))
    model = Holder(tiny_shapes())
    text = explain_mismatch(file, model, 'pose/mine')
    file_facts = ('1B pose', '133 keypoints', 'pose/mine wants')
    model_facts = ('width 32, 2 blocks', '17 keypoints')
    says(text, *file_facts, *model_facts, 'pose/sapiens_1b_wholebody133-1024x768')
    seg = identify(on_meta(official_shapes('1b', 'seg', 20)))
    text = explain_mismatch(seg, file)
    assert 'a Sapiens 1B segmentation checkpoint with 20 classes' in text
    assert 'wants a Sapiens 1B pose model with 133 keypoints' in text
    assert text.endswith(
        'use the config seg/sapiens_1b_lip20-1024x768 or seg/sapiens_1b_cihp20-1024x768'
    )
    assert explain_mismatch(file, file) == ''
