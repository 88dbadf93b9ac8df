# What the small models share beside their schedule.
ema = dict(type='EMAHook', ema_type='MomentumAnnealingEMA', momentum=0.0005, gamma=10)
small_head = dict(  # of parts, depth and normals
    in_channels=192,
    channels=48,
    deconv_out_channels=(64, 48),  # a quarter of the input
    deconv_kernel_sizes=(4, 4),
    conv_out_channels=(48,),
    conv_kernel_sizes=(1,),
    dropout_ratio=0.0,
)
