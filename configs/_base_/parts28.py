# The 28 body parts of Goliath and of the synthetic people.
part_head = dict(
    num_classes=28,
    loss_decode=dict(
        class_weight=[
            *(0.1, 10, 3, 2, 4, 4, 2, 2, 6, 10, 3, 3, 1),
            *(4, 4, 2, 2, 6, 10, 3, 3, 1, 1, 10, 10, 10, 10, 10),
        ],
    ),
)
mirrored = [(left, left + 9) for left in range(4, 12)]  # classes that a mirror swaps
