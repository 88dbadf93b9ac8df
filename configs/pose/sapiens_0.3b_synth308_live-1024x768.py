# Renders while training, in the loader's processes: no files are read.
_base_ = '../_base_/pose_synth308.py'

model = dict(
    backbone=dict(
        init_cfg=dict(type='Pretrained', checkpoint='sapiens_0.3b'),
    ),
    head=dict(
        loss=dict(type='KeypointOHKMMSELoss', use_target_weight=True, topk=128),
    ),
)

train_dataloader = dict(
    num_workers=8,
    dataset=dict(
        _delete_=True,
        type='sapiens_mm.SapiensSyntheticHumansPose',
        num_keypoints=308,
        length=10000,  # images an epoch, new ones in each
        seed=0,
        pipeline=_base_.train_pipeline,
    ),
)
# evaluates on files: take sapiens test and the config without _live
val_dataloader = None
val_cfg = None
val_evaluator = None
default_hooks = dict(checkpoint=dict(save_best=None))
