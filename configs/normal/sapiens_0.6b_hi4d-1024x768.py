_base_ = '../_base_/normal_hi4d.py'

model = dict(backbone=dict(arch='sapiens_0.6b'), decode_head=dict(in_channels=1280))
