# For users of mmpose: a stock top-down heatmap config on a Sapiens encoder. One level
# of the simple pyramid does the upsampling, so the host's head needs none of its own.
# The lines below are all that differs; paste them into a config of yours, and run
# mmpose's own script with it: python -m sapiens_mm sapiens train THIS_FILE
_base_ = 'mmpose::body_2d_keypoint/topdown_heatmap/coco/td-hm_res50_8xb64-210e_coco-256x192.py'  # noqa: E501

model = dict(
    backbone=dict(
        _delete_=True,
        type='sapiens_mm.SapiensViT',
        arch='sapiens_0.3b',
        img_size=(256, 192),  # (H, W)
        patch_cfg=dict(padding=0),  # as the encoders were pretrained
        drop_path_rate=0.1,
        # downloaded when training begins; CC-BY-NC. None trains from scratch
        init_cfg=dict(type='Pretrained', checkpoint='sapiens_0.3b'),
    ),
    neck=dict(
        type='sapiens_mm.SapiensSimplePyramid',
        in_channels=1024,  # 1280, 1536, 1920 for the larger encoders
        out_channels=256,
        scales=(4,),  # stride 4, the resolution of the heatmaps
    ),
    head=dict(in_channels=256, deconv_out_channels=None),
)

optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=5e-4, weight_decay=0.1),
    clip_grad=dict(max_norm=1.0),
)
