# Goliath, 28 body parts.
_base_ = './seg.py'

part_table = 'goliath28'  # names, palette and mirror pairs

model = dict(
    decode_head=dict(
        num_classes=28,
        loss_decode=dict(
            class_weight=[
                0.1,
                10,
                3,
                2,
                4,
                4,
                2,
                2,
                6,
                10,
                3,
                3,
                1,
                4,
                4,
                2,
                2,
                6,
                10,
                3,
                3,
                1,
                1,
                10,
                10,
                10,
                10,
                10,
            ],
        ),
    ),
)
