_base_ = '../_base_/pose_tiny.py'
