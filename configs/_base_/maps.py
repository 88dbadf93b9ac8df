# What depth and normals share in their data: steps by name, and their order.
input_wh = (768, 1024)  # pixels
input_hw = (1024, 768)

steps = dict(
    load=dict(type='sapiens_mm.SapiensLoadImage'),
    map=dict(type='sapiens_mm.SapiensLoadMap'),
    # folder=None draws backgrounds; or images without people, below a folder
    background=dict(
        type='sapiens_mm.SapiensRandomBackground',
        prob=0.5,
        folder=None,
        mask_key='gt_mask',
    ),
    # long side to long side: the target is turned as the image is
    resize=dict(
        type='RandomResize',
        scale=input_wh,
        ratio_range=(0.2, 2.0),
        keep_ratio=True,
        resize_type='sapiens_mm.SapiensMapResize',
    ),
    crop=dict(type='RandomCrop', crop_size=input_hw),
    squeeze=dict(type='sapiens_mm.SapiensMapResize', scale=input_wh, keep_ratio=False),
    rotate=dict(type='sapiens_mm.SapiensRandomMapRotate', prob=0.5, degree=60.0),
    flip=dict(type='sapiens_mm.SapiensRandomMapFlip', prob=0.5),
    target=dict(type='sapiens_mm.SapiensMapTarget'),
    colour=dict(type='PhotoMetricDistortion'),
    pack=dict(type='sapiens_mm.SapiensPackMap'),
    # evaluated: the map keeps its size
    squeeze_image=dict(type='Resize', scale=input_wh, keep_ratio=False),
    pack_image=dict(type='PackSegInputs'),
)
val_steps = ['load', 'squeeze_image', 'map', 'pack']
test_steps = ['load', 'squeeze_image', 'pack_image']
val_pipeline = [steps[name] for name in val_steps]
test_pipeline = [steps[name] for name in test_steps]
