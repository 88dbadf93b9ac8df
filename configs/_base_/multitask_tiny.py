# sapiens_tiny on synthetic people, all tasks in one pass (docs/tiny_models.md).
_base_ = './pose_tiny.py'

channels = _base_.small_head

# weights bring the losses of the tasks to about 1 at the start
model = dict(
    head=dict(
        _delete_=True,
        type='sapiens_mm.SapiensMultitaskHead',
        pose=dict(
            _base_.model.head,
            init_cfg=dict(
                type='Normal',
                layer=['Conv2d', 'ConvTranspose2d'],
                std=0.05,
                override=dict(type='Normal', name='final_layer', std=0.001),
            ),
        ),
        seg=dict(
            type='sapiens_mm.SapiensSegHead',
            num_classes=28,
            ignore_index=255,
            loss_decode=dict(type='sapiens_mm.SapiensPartLoss'),
            **channels,
        ),
        depth=dict(
            type='sapiens_mm.SapiensDepthHead',
            loss_decode=[
                dict(type='sapiens_mm.SapiensSiLogLoss', loss_weight=0.5),
                dict(type='sapiens_mm.SapiensDepthL1Loss', loss_weight=3.0),
            ],
            # from the middle: the SiLog loss gives negative depth no gradient
            init_cfg=dict(
                type='Normal', std=0.01, bias=0.5, override=dict(name='conv_seg')
            ),
            **channels,
        ),
        normal=dict(
            type='sapiens_mm.SapiensNormalHead',
            loss_decode=[
                dict(type='sapiens_mm.SapiensNormalCosineLoss'),
                dict(type='sapiens_mm.SapiensNormalL1Loss', loss_weight=0.5),
            ],
            **channels,
        ),
    ),
)

steps = _base_.steps
steps.maps = dict(type='sapiens_mm.SapiensLoadAllMaps')
steps.crop_maps = dict(
    type='sapiens_mm.SapiensTopdownMaps', input_size=_base_.input_wh, stride=4
)
steps.fast_target.update(use_dataset_keypoint_weights=True)
steps.pack_all = dict(type='sapiens_mm.SapiensPackMultitask')
train_steps = ['load', 'maps', 'box', 'flip', 'mild_jitter', 'crop_maps']
train_steps += ['mild_colour', 'blur', 'fast_target', 'pack_all']
train_pipeline = [steps[name] for name in train_steps]
train_dataloader = dict(
    dataset=dict(
        type='sapiens_mm.SapiensMultitaskDataset',
        group_weights=dict(body=5.0, foot=5.0, extra=5.0),  # more than the face
        data_prefix=dict(
            img='images/train/',
            labels='labels/train/',
            depth='depth/train/',
            normal='normal/train/',
        ),
        pipeline=train_pipeline,
    )
)
