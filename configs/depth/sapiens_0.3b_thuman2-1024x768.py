_base_ = '../_base_/depth_thuman2.py'
