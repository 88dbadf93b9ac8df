# Four times the pixels, and the images and the loss of the large models.
_base_ = ['../_base_/pose_tiny.py', '../_base_/schedule_tiny_long.py']

input_wh = (384, 512)  # pixels

# heatmaps are a quarter of the input
codec = dict(_base_.codec, input_size=input_wh, heatmap_size=(96, 128), sigma=3.0)

model = dict(
    backbone=dict(img_size=(512, 384)),  # (H, W)
    head=dict(
        _delete_=True,
        type='sapiens_mm.SapiensHeatmapHead',
        in_channels=192,
        out_channels=308,
        deconv_out_channels=(64, 64),
        conv_out_channels=(64,),
        conv_kernel_sizes=(1,),
        loss=dict(type='KeypointMSELoss', use_target_weight=True),
        decoder=codec,
    ),
)

steps = _base_.steps
steps.jitter.update(rotate_factor=45.0, scale_factor=(0.7, 1.35))
steps.crop.update(input_size=input_wh)
steps.dropout.update(prob=0.5)  # the rectangle of black
steps.target.update(encoder=codec)
train_steps = ['load', 'box', 'flip', 'half_body', 'jitter', 'crop', 'colour', 'blur']
train_steps += ['median_blur', 'dropout', 'target', 'enough', 'pack']
train_pipeline = [steps[name] for name in train_steps]
test_pipeline = [steps[name] for name in _base_.test_steps]

train_dataloader = dict(batch_size=32, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

param_scheduler = [dict(_base_.warmup, end=500), _base_.cosine]

train_cfg = dict(max_epochs=_base_.epochs, val_interval=10)
