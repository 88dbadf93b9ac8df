_base_ = '../_base_/seg_cihp20.py'
