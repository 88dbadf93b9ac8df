# Surface normals in the camera frame; these models pad the patches by 2.
_base_ = './dense.py'

model = dict(
    type='DepthEstimator',  # the host's estimator of continuous maps
    backbone=dict(patch_cfg=dict(padding=2)),
    decode_head=dict(
        type='sapiens_mm.SapiensNormalHead',
        in_channels=1024,
        loss_decode=[
            dict(type='sapiens_mm.SapiensNormalCosineLoss'),
            dict(type='sapiens_mm.SapiensNormalL1Loss'),
        ],
    ),
)
