_base_ = '../_base_/seg_face19.py'
