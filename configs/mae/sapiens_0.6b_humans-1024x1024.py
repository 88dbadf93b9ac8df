_base_ = '../_base_/mae_humans.py'

model = dict(backbone=dict(arch='sapiens_0.6b'), neck=dict(embed_dim=1280))
