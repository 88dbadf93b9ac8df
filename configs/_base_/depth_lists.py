# Hi4D and THuman2: samples named in a list (docs/depth.md); evaluation only.
_base_ = './depth.py'

test_dataloader = dict(
    dataset=dict(type='sapiens_mm.SapiensMapListDataset', ann_file='depth.txt')
)
train_dataloader = None
train_cfg = None
optim_wrapper = None
param_scheduler = None
val_dataloader = None
val_cfg = None
val_evaluator = None
