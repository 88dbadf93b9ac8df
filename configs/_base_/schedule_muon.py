# The schedule of the small models with Muon (docs/tiny_models.md).
_base_ = './schedule_tiny.py'

optim_wrapper = dict(
    optimizer=dict(
        _delete_=True,
        type='sapiens_mm.SapiensMuon',
        lr=3e-4,
        muon_lr_mult=10.0,
        betas=(0.9, 0.99),
        weight_decay=0.05,
    ),
    paramwise_cfg=dict(head_lr_mult=10.0),
)
