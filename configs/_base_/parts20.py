# The 20 body parts that LIP and CIHP share.
part_head = dict(
    num_classes=20,
    loss_decode=dict(
        class_weight=[
            *(0.1, 1.5, 1, 1.5, 1.5, 0.8, 1.2, 1, 1.5, 0.8),
            *(1.2, 1.5, 1.5, 0.7, 1, 1, 1, 1, 1.5, 1.5),
        ],
    ),
)
mirrored = [(14, 15), (16, 17), (18, 19)]  # classes that a mirror swaps
