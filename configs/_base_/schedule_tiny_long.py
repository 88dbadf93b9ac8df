# The schedule of the small models with four times the pixels: 100 epochs.
_base_ = './schedule_tiny.py'

epochs = 100
warmup = dict(_base_.warmup, end=200)
cosine = dict(_base_.cosine, T_max=epochs, end=epochs)
param_scheduler = [warmup, cosine]
optim_wrapper = dict(optimizer=dict(lr=1e-3))
