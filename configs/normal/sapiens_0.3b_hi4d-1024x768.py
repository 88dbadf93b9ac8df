_base_ = '../_base_/normal_hi4d.py'
