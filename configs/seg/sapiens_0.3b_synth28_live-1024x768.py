# Renders while training, in the loader's processes: no files are read.
_base_ = '../_base_/seg_synth28.py'

model = dict(
    backbone=dict(
        init_cfg=dict(type='Pretrained', checkpoint='sapiens_0.3b'),
    )
)

synth = dict(_delete_=True, type='sapiens_mm.SapiensSyntheticHumansSeg')

train_dataloader = dict(
    num_workers=8,
    dataset=dict(
        length=10000,  # images an epoch, new ones in each
        seed=0,
        pipeline=_base_.train_pipeline,
        **synth,
    ),
)
val_dataloader = dict(
    dataset=dict(
        length=200,  # the same in every epoch
        seed=1,
        test_mode=True,
        pipeline=_base_.val_pipeline,
        **synth,
    ),
)
test_dataloader = val_dataloader
