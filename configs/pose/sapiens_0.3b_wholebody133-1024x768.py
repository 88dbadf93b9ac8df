_base_ = '../_base_/pose_wholebody133.py'
