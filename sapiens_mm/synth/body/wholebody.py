"""The 133 keypoints of COCO-WholeBody, as far as the 308 of Goliath tell them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sapiens_mm.tables import GOLIATH308, WHOLEBODY133

# midpoints halve a line again and again: 3 1 4 centre 5 2 6, from the image's left
# of a person who faces the camera; so the inner end of the right eye has number 6
FACE = {
    'face-17': 'end_of_r_eyebrow',
    'face-18': 'upper_midpoint_2_of_r_eyebrow',
    'face-19': 'upper_midpoint_1_of_r_eyebrow',
    'face-20': 'upper_midpoint_3_of_r_eyebrow',
    'face-21': 'upper_startpoint_of_r_eyebrow',
    'face-27': 'center_of_nose_root',
    'face-28': 'midpoint_1_of_nose_bridge',
    'face-29': 'midpoint_3_of_nose_bridge',
    'face-30': 'tip_of_nose',
    'face-31': 'outer_corner_of_r_nostril',
    'face-32': 'inner_corner_of_r_nostril',
    'face-33': 'bottom_center_of_nose',
    'face-36': 'r_outer_end_of_upper_lash_line',
    'face-37': 'r_midpoint_4_of_upper_lash_line',
    'face-38': 'r_midpoint_5_of_upper_lash_line',
    'face-39': 'r_inner_end_of_upper_lash_line',
    'face-40': 'r_midpoint_5_of_lower_lash_line',
    'face-41': 'r_midpoint_4_of_lower_lash_line',
    'face-48': 'r_outer_corner_of_mouth',
    'face-49': 'midpoint_1_of_upper_outer_lip',
    'face-50': 'midpoint_4_of_upper_outer_lip',
    'face-51': 'center_of_cupid_bow',
    'face-57': 'center_of_lower_outer_lip',
    'face-58': 'midpoint_4_of_lower_outer_lip',
    'face-59': 'midpoint_1_of_lower_outer_lip',
    'face-60': 'r_inner_corner_of_mouth',
    'face-61': 'midpoint_1_of_upper_inner_lip',
    'face-62': 'center_of_upper_inner_lip',
    'face-66': 'center_of_lower_inner_lip',
    'face-67': 'midpoint_1_of_lower_inner_lip',
}
"""51 points of the inner face: those of the right side and the midline."""

HANDS = {'right_hand_root': 'right_wrist'} | {
    f'right_{finger}1': f'right_{finger}_third_joint'
    for finger in ('thumb', 'forefinger', 'middle_finger', 'ring_finger')
}
HANDS['right_pinky_finger1'] = 'right_pinky_finger_third_joint'


@lru_cache(maxsize=1)
def wholebody_sources() -> np.ndarray:
    """Return which of the 308 each of the 133 is, (133,) int; -1 for none.

    53 have one name in both tables, and 12 joints of the hands are one place under two
    names. 51 of the face are chosen by where they lie. The 17 of the outline, from ear
    to ear, depend on the view and are none of the 308.
    """
    ids = {name: k for k, name in enumerate(GOLIATH308.names)}
    sources = np.array([ids.get(name, -1) for name in WHOLEBODY133.names])
    chosen = FACE | HANDS
    for k, name in enumerate(WHOLEBODY133.names):
        if name in chosen:
            source = ids[chosen[name]]
            sources[k] = source
            mirror = WHOLEBODY133.flip_indices[k]
            sources[mirror] = GOLIATH308.flip_indices[source]
    return sources
