_base_ = '../_base_/normal_tiny.py'
