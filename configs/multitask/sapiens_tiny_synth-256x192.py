# All tasks at once, for the encoders of the single ones (docs/tiny_models.md).
_base_ = ['../_base_/multitask_tiny.py', '../_base_/schedule_muon.py']

train_cfg = dict(max_epochs=_base_.epochs)
