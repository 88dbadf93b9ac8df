# The schedule of the small models: a few epochs, from nothing or the encoder of parts.
_base_ = './schedule.py'

epochs = 5  # for the config's train_cfg, which the host's runtime begins
warmup = dict(type='LinearLR', begin=0, end=100, start_factor=0.001, by_epoch=False)
cosine = dict(
    type='CosineAnnealingLR',
    T_max=epochs,
    begin=0,
    end=epochs,
    by_epoch=True,
    convert_to_iter_based=True,
)
param_scheduler = [warmup, cosine]
# all layers alike: none was trained before
optim_wrapper = dict(
    optimizer=dict(lr=3e-4, weight_decay=0.05),
    paramwise_cfg=dict(layer_decay_rate=1.0),
)
