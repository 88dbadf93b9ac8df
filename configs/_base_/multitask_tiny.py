# sapiens_tiny on synthetic people, all tasks in one pass (docs/tiny_models.md).
_base_ = './pose_tiny_muon.py'

input_wh = _base_.input_wh
channels = dict(
    in_channels=192,
    channels=48,
    deconv_out_channels=(64, 48),  # a quarter of the input
    deconv_kernel_sizes=(4, 4),
    conv_out_channels=(48,),
    conv_kernel_sizes=(1,),
    dropout_ratio=0.0,
)

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

train_pipeline = [
    dict(type='sapiens_mm.SapiensLoadImage'),
    dict(type='sapiens_mm.SapiensLoadAllMaps'),
    dict(type='GetBBoxCenterScale', padding=1.25),
    dict(type='RandomFlip', direction='horizontal', prob=0.5),
    _base_.train_pipeline[3],  # RandomBBoxTransform
    dict(type='sapiens_mm.SapiensTopdownMaps', input_size=input_wh, stride=4),
    dict(type='mmseg.PhotoMetricDistortion'),
    dict(type='sapiens_mm.SapiensRandomBlur', prob=0.1),
    dict(
        type='sapiens_mm.SapiensHeatmapTarget',
        encoder=_base_.codec,
        use_dataset_keypoint_weights=True,
    ),
    dict(type='sapiens_mm.SapiensPackMultitask'),
]
train_dataloader = dict(
    dataset=dict(
        type='sapiens_mm.SapiensMultitaskDataset',
        data_prefix=dict(
            img='images/train/',
            labels='labels/train/',
            depth='depth/train/',
            normal='normal/train/',
        ),
        pipeline=train_pipeline,
    )
)
