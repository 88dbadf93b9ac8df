# FaceSynthetics, 19 face parts: no class weights, mean over the pixels.
_base_ = './seg.py'

model = dict(
    decode_head=dict(num_classes=19, loss_decode=dict(reduction='mean')),
)
