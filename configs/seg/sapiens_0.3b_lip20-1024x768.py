_base_ = '../_base_/seg_lip20.py'
