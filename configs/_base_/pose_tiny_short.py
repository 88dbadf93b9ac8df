# What a short training of the small pose model changes: milder pictures, another loss.
_base_ = './pose_tiny.py'

model = dict(
    head=dict(
        # places from the first step; the weights make both terms about 1 there
        loss=dict(
            _delete_=True,
            type='sapiens_mm.SapiensHeatmapLoss',
            place_weight=0.3,
            loss_weight=300.0,
        ),
    ),
)

# mild: it learns what is usual, and boxes are framed alike in tests
train_pipeline = _base_.train_pipeline
train_pipeline[4].update(
    shift_factor=0.1, scale_factor=(0.85, 1.2), rotate_factor=20.0, rotate_prob=0.3
)
# mmpose's of almost this name swaps colours, too, and skin is a good cue
train_pipeline[6].update(type='mmseg.PhotoMetricDistortion')
train_pipeline[10].update(type='sapiens_mm.SapiensHeatmapTarget')
del train_pipeline[9], train_pipeline[3]  # black rectangles, half bodies
