# COCO, 17 keypoints.
_base_ = ['./pose.py', './schedule_pose.py']

data_root = 'data/coco/'
ann_root = data_root + 'annotations/'

model = dict(head=dict(out_channels=17))

train_dataloader = dict(
    dataset=dict(
        type='CocoDataset',
        data_root=data_root,
        ann_file='annotations/person_keypoints_train2017.json',
        data_prefix=dict(img='train2017/'),
    )
)
val_dataloader = dict(
    dataset=dict(
        type='CocoDataset',
        data_root=data_root,
        ann_file='annotations/person_keypoints_val2017.json',
        # boxes of a detector; None evaluates with the annotated ones
        bbox_file=data_root
        + 'person_detection_results/COCO_val2017_detections_AP_H_70_person.json',
        data_prefix=dict(img='val2017/'),
    )
)
test_dataloader = val_dataloader

val_evaluator = dict(
    type='CocoMetric', ann_file=ann_root + 'person_keypoints_val2017.json'
)
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(save_best='coco/AP'))
