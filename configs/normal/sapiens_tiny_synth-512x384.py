_base_ = ['../_base_/normal_tiny.py', '../_base_/schedule_tiny_long.py']

train_cfg = dict(max_epochs=_base_.epochs, val_interval=10)
