_base_ = '../_base_/normal_lists.py'

model = dict(backbone=dict(arch='sapiens_0.6b'), decode_head=dict(in_channels=1280))

test_dataloader = dict(dataset=dict(data_root='data/hi4d/'))
