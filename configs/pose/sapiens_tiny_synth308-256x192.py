# A quarter of the pixels: what two processor cores train.
_base_ = ['../_base_/pose_tiny.py', '../_base_/schedule_tiny.py']

train_cfg = dict(max_epochs=_base_.epochs)
optim_wrapper = dict(optimizer=dict(fused=True))
