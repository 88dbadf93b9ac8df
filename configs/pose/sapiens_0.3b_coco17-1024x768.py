_base_ = '../_base_/pose_coco17.py'
