_base_ = '../_base_/depth_hi4d.py'
