_base_ = '../_base_/seg_tiny.py'
