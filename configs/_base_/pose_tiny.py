# sapiens_tiny on synthetic people, 308 keypoints, 256 x 192 (docs/model_zoo.md).
_base_ = ['./pose.py', './tiny.py']

input_wh = (192, 256)  # pixels

# heatmaps are an eighth of the input: quicker
codec = dict(_base_.codec, input_size=input_wh, heatmap_size=(24, 32), sigma=1.5)

model = dict(
    backbone=dict(arch='sapiens_tiny', img_size=(256, 192)),  # (H, W)
    head=dict(
        in_channels=192,
        out_channels=308,
        deconv_out_channels=(64,),
        deconv_kernel_sizes=(4,),
        conv_out_channels=(64,),
        conv_kernel_sizes=(1,),
        # places from the first step; the weights make both terms about 1 there
        loss=dict(
            _delete_=True,
            type='sapiens_mm.SapiensHeatmapLoss',
            place_weight=0.3,
            loss_weight=300.0,
        ),
        decoder=codec,
    ),
)

steps = _base_.steps
steps.crop.update(input_size=input_wh)
# mild: a short training learns what is usual, and boxes are framed alike in tests
steps.mild_jitter = dict(
    steps.jitter,
    shift_factor=0.1,
    scale_factor=(0.85, 1.2),
    rotate_factor=20.0,
    rotate_prob=0.3,
)
# bolder: a training that goes on has learnt what is usual
steps.bold_jitter = dict(
    steps.jitter,
    shift_factor=0.15,
    scale_factor=(0.75, 1.3),
    rotate_factor=30.0,
    rotate_prob=0.5,
)
# mmpose's of almost this name swaps colours, too, and skin is a good cue
steps.mild_colour = dict(type='mmseg.PhotoMetricDistortion')
steps.grey = dict(type='RandomGrayscale', prob=0.1, keep_channels=True)
steps.fast_target = dict(type='sapiens_mm.SapiensHeatmapTarget', encoder=codec)
train_steps = ['load', 'box', 'flip', 'mild_jitter', 'crop', 'mild_colour', 'blur']
train_steps += ['median_blur', 'fast_target', 'enough', 'pack']
train_pipeline = [steps[name] for name in train_steps]
test_pipeline = [steps[name] for name in _base_.test_steps]

data_root = 'data/synth_humans/'
data = dict(type='sapiens_mm.SapiensGoliathDataset', data_root=data_root)
train_dataloader = dict(
    batch_size=8,  # there are few steps
    dataset=dict(
        ann_file='annotations/train_308.json',
        data_prefix=dict(img='images/train/'),
        pipeline=train_pipeline,
        **data,
    ),
)
val_dataloader = dict(
    dataset=dict(
        ann_file='annotations/val_308.json',
        data_prefix=dict(img='images/val/'),
        pipeline=test_pipeline,
        **data,
    )
)
test_dataloader = val_dataloader

val_evaluator = dict(
    type='sapiens_mm.SapiensKeypointMetric',
    ann_file=data_root + 'annotations/val_308.json',
)
test_evaluator = val_evaluator
default_hooks = dict(
    checkpoint=dict(save_best='goliath/AP', by_epoch=False, interval=1000)
)
custom_hooks = [*_base_.custom_hooks, _base_.ema]
