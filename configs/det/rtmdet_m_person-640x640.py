# The person detector of the demos (RTMPose project): COCO and Objects365 persons.
_base_ = ['mmdet::rtmdet/rtmdet_m_8xb32-300e_coco.py']

model = dict(
    backbone=dict(init_cfg=None),  # weights come from the detector's own file
    bbox_head=dict(num_classes=1),
    test_cfg=dict(
        nms_pre=1000,
        min_bbox_size=0,
        score_thr=0.05,
        nms=dict(type='nms', iou_threshold=0.6),
        max_per_img=100,
    ),
)

test_pipeline = [
    dict(type='sapiens_mm.SapiensLoadImage'),
    dict(type='Resize', scale=(640, 640), keep_ratio=True),
    dict(type='Pad', size=(640, 640), pad_val=dict(img=(114, 114, 114))),
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    ),
]
