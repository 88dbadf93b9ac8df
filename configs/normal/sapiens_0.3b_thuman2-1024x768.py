_base_ = '../_base_/normal_thuman2.py'
