_base_ = '../_base_/seg_goliath28.py'
