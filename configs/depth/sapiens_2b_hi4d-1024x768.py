_base_ = '../_base_/depth_hi4d.py'

model = dict(backbone=dict(arch='sapiens_2b'), decode_head=dict(in_channels=1920))
