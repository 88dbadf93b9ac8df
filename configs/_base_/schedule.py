# Optimizer of every fine-tuning. Tasks add epochs, learning rates and hooks.
optim_wrapper = dict(
    type='sapiens_mm.SapiensOptimWrapper',
    optimizer=dict(type='AdamW', lr=5e-4, betas=(0.9, 0.999), weight_decay=0.1),
    constructor='sapiens_mm.SapiensLayerDecayConstructor',
    paramwise_cfg=dict(layer_decay_rate=0.85),
    clip_grad=dict(max_norm=1.0, norm_type=2),
)
