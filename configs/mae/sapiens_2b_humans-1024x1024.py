_base_ = '../_base_/mae_humans.py'

model = dict(backbone=dict(arch='sapiens_2b'), neck=dict(embed_dim=1920))
