_base_ = '../_base_/pose_goliath308.py'
