# FaceSynthetics, 19 face parts: no class weights, mean over the pixels.
_base_ = './seg.py'

part_table = 'face19'  # names, palette and mirror pairs

model = dict(
    decode_head=dict(num_classes=19, loss_decode=dict(reduction='mean')),
)
