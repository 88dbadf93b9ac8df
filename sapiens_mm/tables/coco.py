"""The 17 keypoints of COCO and the 133 of COCO-WholeBody.

The values are those of mmpose's ``coco.py`` and ``coco_wholebody.py``, so that drawing
and exporting need no host.
"""

from .schema import build_keypoint_table

_BODY_NAMES = """
nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow
right_elbow left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle
right_ankle
"""
_BODY_MIRROR = '1:2 3:4 5:6 7:8 9:10 11:12 13:14 15:16'
_BODY_COLORS = """
51,153,255 0-4
0,255,0 5 7 9 11 13 15
255,128,0 6 8 10 12 14 16
"""
_BODY_LINKS = """
0,255,0 15-13-11
255,128,0 16-14-12
51,153,255 11-12 5-11 6-12 5-6
0,255,0 5-7
255,128,0 6-8
0,255,0 7-9
255,128,0 8-10
51,153,255 1-2 0-1 0-2 1-3 2-4 3-5 4-6
"""
_BODY_SIGMAS = """
0.026 0.025 0.025 0.035 0.035 0.079 0.079 0.072 0.072 0.062 0.062 0.107 0.107 0.087
0.087 0.089 0.089
"""

COCO17 = build_keypoint_table(
    'coco',
    names=_BODY_NAMES,
    mirror=_BODY_MIRROR,
    links=_BODY_LINKS,
    colors=_BODY_COLORS,
    sigmas=_BODY_SIGMAS,
    groups={'body': '0-16'},
    upper='0-10',
    lower='11-16',
    joint_weights={1.2: '7 8 13 14', 1.5: '9 10 15 16'},
)

_FOOT_NAMES = (
    'left_big_toe left_small_toe left_heel right_big_toe right_small_toe right_heel'
)
_FACE_NAMES = ' '.join(f'face-{k}' for k in range(68))
_HAND_NAMES = ['hand_root'] + [
    f'{finger}{joint}'
    for finger in (
        'thumb',
        'forefinger',
        'middle_finger',
        'ring_finger',
        'pinky_finger',
    )
    for joint in (1, 2, 3, 4)
]
_HANDS_NAMES = ' '.join(
    f'{side}_{name}' for side in ('left', 'right') for name in _HAND_NAMES
)

_FOOT_HAND_LINKS = """
0,255,0 15-17 15-18 15-19
255,128,0 16-20 16-21 16-22 91-92-93-94-95
255,153,255 91-96-97-98-99
102,178,255 91-100-101-102-103
255,51,51 91-104-105-106-107
0,255,0 91-108-109-110-111
255,128,0 112-113-114-115-116
255,153,255 112-117-118-119-120
102,178,255 112-121-122-123-124
255,51,51 112-125-126-127-128
0,255,0 112-129-130-131-132
"""
_FOOT_FACE_HAND_COLORS = """
255,128,0 17-22 92-95 113-116
255,255,255 23-91 112
255,153,255 96-99 117-120
102,178,255 100-103 121-124
255,51,51 104-107 125-128
0,255,0 108-111 129-132
"""
_FOOT_SIGMAS = '0.068 0.066 0.066 0.092 0.094 0.094'
_FACE_SIGMAS = """
0.042 0.043 0.044 0.043 0.040 0.035 0.031 0.025 0.020 0.023 0.029 0.032 0.037 0.038
0.043 0.041 0.045 0.013 0.012 0.011 0.011 0.012 0.012 0.011 0.011 0.013 0.015 0.009
0.007 0.007 0.007 0.012 0.009 0.008 0.016 0.010 0.017 0.011 0.009 0.011 0.009 0.007
0.013 0.008 0.011 0.012 0.010 0.034 0.008 0.008 0.009 0.008 0.008 0.007 0.010 0.008
0.009 0.009 0.009 0.007 0.007 0.008 0.011 0.008 0.008 0.008 0.010 0.008
"""
_HAND_SIGMAS = """
0.029 0.022 0.035 0.037 0.047 0.026 0.025 0.024 0.035 0.018 0.024 0.022 0.026 0.017
0.021 0.021 0.032 0.020 0.019 0.022 0.031
"""

WHOLEBODY133 = build_keypoint_table(
    'coco_wholebody',
    names=' '.join((_BODY_NAMES, _FOOT_NAMES, _FACE_NAMES, _HANDS_NAMES)),
    mirror=_BODY_MIRROR
    # feet; contour of the face; brows; nostrils; eyes; lips; hands
    + ' 17-19:20-22 23-30:39-32 40-44:49-45 54-55:58-57'
    + ' 59-62:68-65 63-64:70-69 71-73:77-75 78-79:82-81 83-84:87-86 76:72'
    + ' 88:90 91-111:112-132',
    links=_BODY_LINKS.rstrip() + _FOOT_HAND_LINKS,
    colors=_BODY_COLORS.rstrip() + _FOOT_FACE_HAND_COLORS,
    sigmas=' '.join(
        (_BODY_SIGMAS, _FOOT_SIGMAS, _FACE_SIGMAS, _HAND_SIGMAS, _HAND_SIGMAS)
    ),
    groups={
        'body': '0-16',
        'foot': '17-22',
        'face': '23-90',
        'left_hand': '91-111',
        'right_hand': '112-132',
    },
    upper='0-10',
    lower='11-22',
)
