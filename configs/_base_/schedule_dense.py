# Fine-tuning for parts, depth and normals: over 200 epochs the rate falls to zero.
_base_ = './schedule.py'

param_scheduler = [
    dict(type='LinearLR', begin=0, end=400, start_factor=0.001, by_epoch=False),
    dict(type='PolyLR', begin=0, end=200, power=1.0, eta_min=0.0, by_epoch=True),
]
