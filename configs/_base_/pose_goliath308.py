# Goliath, 308 keypoints.
_base_ = './pose.py'

model = dict(head=dict(out_channels=308))
