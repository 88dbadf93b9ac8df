# Body-part segmentation.
_base_ = './dense.py'

model = dict(
    type='EncoderDecoder',
    decode_head=dict(
        type='sapiens_mm.SapiensSegHead',
        in_channels=1024,
        num_classes=None,  # set by each dataset's base
        ignore_index=255,
        # 'none': the host averages the weighted map over all pixels, ignored ones
        # counted as zeros; 'mean' would divide by the sum of the weights
        loss_decode=dict(type='CrossEntropyLoss', reduction='none'),
    ),
)
