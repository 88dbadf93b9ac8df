_base_ = '../_base_/normal_lists.py'

test_dataloader = dict(dataset=dict(data_root='data/hi4d/'))
