_base_ = '../_base_/depth_lists.py'

test_dataloader = dict(dataset=dict(data_root='data/thuman2/'))
