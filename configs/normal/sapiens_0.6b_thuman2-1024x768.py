_base_ = '../_base_/normal_thuman2.py'

model = dict(backbone=dict(arch='sapiens_0.6b'), decode_head=dict(in_channels=1280))
