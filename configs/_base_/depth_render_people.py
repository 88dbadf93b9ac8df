# Relative depth, near 0 and far 1.
_base_ = './dense.py'

model = dict(
    type='DepthEstimator',
    decode_head=dict(
        type='sapiens_mm.SapiensDepthHead',
        in_channels=1024,
        loss_decode=dict(type='sapiens_mm.SapiensSiLogLoss'),
    ),
)
