# The small pose model with Muon; the body outweighs the face (docs/tiny_models.md).
_base_ = '../pose/sapiens_tiny_synth308-256x192.py'

train_dataloader = dict(dataset=dict(group_weights=dict(body=5.0, foot=5.0, extra=5.0)))

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
