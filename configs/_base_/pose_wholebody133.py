# COCO-WholeBody, 133 keypoints.
_base_ = './pose.py'

model = dict(head=dict(out_channels=133))
