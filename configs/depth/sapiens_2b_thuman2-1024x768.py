_base_ = '../_base_/depth_lists.py'

model = dict(backbone=dict(arch='sapiens_2b'), decode_head=dict(in_channels=1920))

test_dataloader = dict(dataset=dict(data_root='data/thuman2/'))
