# The small pose model trained further, on several data sets (docs/tiny_models.md).
_base_ = ['../_base_/pose_tiny_mixed.py', '../_base_/schedule_muon.py']

optim_wrapper = dict(optimizer=dict(lr=2e-4))
train_cfg = dict(max_epochs=_base_.epochs)
