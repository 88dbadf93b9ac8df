"""The 308 keypoints of Goliath, the vocabulary of Sapiens' whole-body pose models.

17 body, 6 foot, 2 x 20 hand, 7 extra and 238 face keypoints. Three traps: the hips are
ids 9 and 10 and the wrists 62 (left) and 41 (right); the right hand comes before the
left, and each finger runs from tip to base. Mirror pairs are not renamings of left to
right: midpoints and ear points are numbered in another order on each side.
"""

from .schema import build_keypoint_table, parse_ids

_NAMES = """
# 0: body
nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow
right_elbow left_hip right_hip left_knee right_knee left_ankle right_ankle
# 15: feet
left_big_toe left_small_toe left_heel right_big_toe right_small_toe right_heel
# 21: right hand, each finger from its tip to its base
right_thumb4 right_thumb3 right_thumb2 right_thumb_third_joint right_forefinger4
right_forefinger3 right_forefinger2 right_forefinger_third_joint right_middle_finger4
right_middle_finger3 right_middle_finger2 right_middle_finger_third_joint
right_ring_finger4 right_ring_finger3 right_ring_finger2 right_ring_finger_third_joint
right_pinky_finger4 right_pinky_finger3 right_pinky_finger2
right_pinky_finger_third_joint
# 41: right wrist
right_wrist
# 42: left hand
left_thumb4 left_thumb3 left_thumb2 left_thumb_third_joint left_forefinger4
left_forefinger3 left_forefinger2 left_forefinger_third_joint left_middle_finger4
left_middle_finger3 left_middle_finger2 left_middle_finger_third_joint left_ring_finger4
left_ring_finger3 left_ring_finger2 left_ring_finger_third_joint left_pinky_finger4
left_pinky_finger3 left_pinky_finger2 left_pinky_finger_third_joint
# 62: left wrist
left_wrist
# 63: arms, neck
left_olecranon right_olecranon left_cubital_fossa right_cubital_fossa left_acromion
right_acromion neck
# 70: middle of the face
center_of_glabella center_of_nose_root tip_of_nose_bridge midpoint_1_of_nose_bridge
midpoint_2_of_nose_bridge midpoint_3_of_nose_bridge center_of_labiomental_groove
tip_of_chin
# 78: right eyebrow, then left
upper_startpoint_of_r_eyebrow lower_startpoint_of_r_eyebrow end_of_r_eyebrow
upper_midpoint_1_of_r_eyebrow lower_midpoint_1_of_r_eyebrow
upper_midpoint_2_of_r_eyebrow upper_midpoint_3_of_r_eyebrow
lower_midpoint_2_of_r_eyebrow lower_midpoint_3_of_r_eyebrow
upper_startpoint_of_l_eyebrow lower_startpoint_of_l_eyebrow end_of_l_eyebrow
upper_midpoint_1_of_l_eyebrow lower_midpoint_1_of_l_eyebrow
upper_midpoint_2_of_l_eyebrow upper_midpoint_3_of_l_eyebrow
lower_midpoint_2_of_l_eyebrow lower_midpoint_3_of_l_eyebrow
# 96: left upper eyelid
l_inner_end_of_upper_lash_line l_outer_end_of_upper_lash_line
l_centerpoint_of_upper_lash_line l_midpoint_2_of_upper_lash_line
l_midpoint_1_of_upper_lash_line l_midpoint_6_of_upper_lash_line
l_midpoint_5_of_upper_lash_line l_midpoint_4_of_upper_lash_line
l_midpoint_3_of_upper_lash_line l_outer_end_of_upper_eyelid_line
l_midpoint_6_of_upper_eyelid_line l_midpoint_2_of_upper_eyelid_line
l_midpoint_5_of_upper_eyelid_line l_centerpoint_of_upper_eyelid_line
l_midpoint_4_of_upper_eyelid_line l_midpoint_1_of_upper_eyelid_line
l_midpoint_3_of_upper_eyelid_line l_midpoint_6_of_upper_crease_line
l_midpoint_2_of_upper_crease_line l_midpoint_5_of_upper_crease_line
l_centerpoint_of_upper_crease_line l_midpoint_4_of_upper_crease_line
l_midpoint_1_of_upper_crease_line l_midpoint_3_of_upper_crease_line
# 120: right upper eyelid
r_inner_end_of_upper_lash_line r_outer_end_of_upper_lash_line
r_centerpoint_of_upper_lash_line r_midpoint_1_of_upper_lash_line
r_midpoint_2_of_upper_lash_line r_midpoint_3_of_upper_lash_line
r_midpoint_4_of_upper_lash_line r_midpoint_5_of_upper_lash_line
r_midpoint_6_of_upper_lash_line r_outer_end_of_upper_eyelid_line
r_midpoint_3_of_upper_eyelid_line r_midpoint_1_of_upper_eyelid_line
r_midpoint_4_of_upper_eyelid_line r_centerpoint_of_upper_eyelid_line
r_midpoint_5_of_upper_eyelid_line r_midpoint_2_of_upper_eyelid_line
r_midpoint_6_of_upper_eyelid_line r_midpoint_3_of_upper_crease_line
r_midpoint_1_of_upper_crease_line r_midpoint_4_of_upper_crease_line
r_centerpoint_of_upper_crease_line r_midpoint_5_of_upper_crease_line
r_midpoint_2_of_upper_crease_line r_midpoint_6_of_upper_crease_line
# 144: left lower eyelid
l_inner_end_of_lower_lash_line l_outer_end_of_lower_lash_line
l_centerpoint_of_lower_lash_line l_midpoint_2_of_lower_lash_line
l_midpoint_1_of_lower_lash_line l_midpoint_6_of_lower_lash_line
l_midpoint_5_of_lower_lash_line l_midpoint_4_of_lower_lash_line
l_midpoint_3_of_lower_lash_line l_outer_end_of_lower_eyelid_line
l_midpoint_6_of_lower_eyelid_line l_midpoint_2_of_lower_eyelid_line
l_midpoint_5_of_lower_eyelid_line l_centerpoint_of_lower_eyelid_line
l_midpoint_4_of_lower_eyelid_line l_midpoint_1_of_lower_eyelid_line
l_midpoint_3_of_lower_eyelid_line
# 161: right lower eyelid
r_inner_end_of_lower_lash_line r_outer_end_of_lower_lash_line
r_centerpoint_of_lower_lash_line r_midpoint_1_of_lower_lash_line
r_midpoint_2_of_lower_lash_line r_midpoint_3_of_lower_lash_line
r_midpoint_4_of_lower_lash_line r_midpoint_5_of_lower_lash_line
r_midpoint_6_of_lower_lash_line r_outer_end_of_lower_eyelid_line
r_midpoint_3_of_lower_eyelid_line r_midpoint_1_of_lower_eyelid_line
r_midpoint_4_of_lower_eyelid_line r_centerpoint_of_lower_eyelid_line
r_midpoint_5_of_lower_eyelid_line r_midpoint_2_of_lower_eyelid_line
r_midpoint_6_of_lower_eyelid_line
# 178: nose
tip_of_nose bottom_center_of_nose r_outer_corner_of_nose l_outer_corner_of_nose
inner_corner_of_r_nostril outer_corner_of_r_nostril upper_corner_of_r_nostril
inner_corner_of_l_nostril outer_corner_of_l_nostril upper_corner_of_l_nostril
# 188: outer lip line
r_outer_corner_of_mouth l_outer_corner_of_mouth center_of_cupid_bow
center_of_lower_outer_lip midpoint_1_of_upper_outer_lip midpoint_2_of_upper_outer_lip
midpoint_1_of_lower_outer_lip midpoint_2_of_lower_outer_lip
midpoint_3_of_upper_outer_lip midpoint_4_of_upper_outer_lip
midpoint_5_of_upper_outer_lip midpoint_6_of_upper_outer_lip
midpoint_3_of_lower_outer_lip midpoint_4_of_lower_outer_lip
midpoint_5_of_lower_outer_lip midpoint_6_of_lower_outer_lip
# 204: inner lip line
r_inner_corner_of_mouth l_inner_corner_of_mouth center_of_upper_inner_lip
center_of_lower_inner_lip midpoint_1_of_upper_inner_lip midpoint_2_of_upper_inner_lip
midpoint_1_of_lower_inner_lip midpoint_2_of_lower_inner_lip
midpoint_3_of_upper_inner_lip midpoint_4_of_upper_inner_lip
midpoint_5_of_upper_inner_lip midpoint_6_of_upper_inner_lip
midpoint_3_of_lower_inner_lip midpoint_4_of_lower_inner_lip
midpoint_5_of_lower_inner_lip midpoint_6_of_lower_inner_lip
# 220: left ear
l_top_end_of_inferior_crus l_top_end_of_superior_crus l_start_of_antihelix
l_end_of_antihelix l_midpoint_1_of_antihelix l_midpoint_1_of_inferior_crus
l_midpoint_2_of_antihelix l_midpoint_3_of_antihelix l_point_1_of_inner_helix
l_point_2_of_inner_helix l_point_3_of_inner_helix l_point_4_of_inner_helix
l_point_5_of_inner_helix l_point_6_of_inner_helix l_point_7_of_inner_helix
l_highest_point_of_antitragus l_bottom_point_of_tragus l_protruding_point_of_tragus
l_top_point_of_tragus l_start_point_of_crus_of_helix l_deepest_point_of_concha
l_tip_of_ear_lobe l_midpoint_between_22_15 l_bottom_connecting_point_of_ear_lobe
l_top_connecting_point_of_helix l_point_8_of_inner_helix
# 246: right ear
r_top_end_of_inferior_crus r_top_end_of_superior_crus r_start_of_antihelix
r_end_of_antihelix r_midpoint_1_of_antihelix r_midpoint_1_of_inferior_crus
r_midpoint_2_of_antihelix r_midpoint_3_of_antihelix r_point_1_of_inner_helix
r_point_8_of_inner_helix r_point_3_of_inner_helix r_point_4_of_inner_helix
r_point_5_of_inner_helix r_point_6_of_inner_helix r_point_7_of_inner_helix
r_highest_point_of_antitragus r_bottom_point_of_tragus r_protruding_point_of_tragus
r_top_point_of_tragus r_start_point_of_crus_of_helix r_deepest_point_of_concha
r_tip_of_ear_lobe r_midpoint_between_22_15 r_bottom_connecting_point_of_ear_lobe
r_top_connecting_point_of_helix r_point_2_of_inner_helix
# 272: left iris
l_center_of_iris l_border_of_iris_3 l_border_of_iris_midpoint_1 l_border_of_iris_12
l_border_of_iris_midpoint_4 l_border_of_iris_9 l_border_of_iris_midpoint_3
l_border_of_iris_6 l_border_of_iris_midpoint_2
# 281: right iris
r_center_of_iris r_border_of_iris_3 r_border_of_iris_midpoint_1 r_border_of_iris_12
r_border_of_iris_midpoint_4 r_border_of_iris_9 r_border_of_iris_midpoint_3
r_border_of_iris_6 r_border_of_iris_midpoint_2
# 290: left pupil
l_center_of_pupil l_border_of_pupil_3 l_border_of_pupil_midpoint_1 l_border_of_pupil_12
l_border_of_pupil_midpoint_4 l_border_of_pupil_9 l_border_of_pupil_midpoint_3
l_border_of_pupil_6 l_border_of_pupil_midpoint_2
# 299: right pupil
r_center_of_pupil r_border_of_pupil_3 r_border_of_pupil_midpoint_1 r_border_of_pupil_12
r_border_of_pupil_midpoint_4 r_border_of_pupil_9 r_border_of_pupil_midpoint_3
r_border_of_pupil_6 r_border_of_pupil_midpoint_2
"""

_MIRROR = """
1:2 3:4 5:6 7:8 9:10 11:12 13:14 15-17:18-20 21-41:42-62 63:64 65:66 67:68
78-82:87-91 83-84:93-92 85-86:95-94 96-119:120-143 144-160:161-177 180:181
182-184:185-187 188:189 192:193 194:195 196-197:199-198 200-201:203-202 204:205
208:209 210:211 212-213:215-214 216-217:219-218 220-245:246-271 272:281
273-277:286-282 278-280:289-287 290:299 291-295:304-300 296-298:307-305
"""

_COLORS = """
51,153,255 0-69
255,255,255 70-95
192,64,128 96-119
64,32,192 120-143
64,192,128 144-160
64,192,32 161-177
0,192,0 178-187
192,0,0 188-203
0,192,192 204-219
200,200,0 220-245
0,200,200 246-271
128,192,64 272-280
192,32,64 281-289
192,128,64 290-298
32,192,192 299-307
"""

_LINKS = """
0,255,0 13-11-9
255,128,0 14-12-10
51,153,255 9-10 5-9 6-10 5-6
0,255,0 5-7
255,128,0 6-8
0,255,0 7-62
255,128,0 8-41
51,153,255 1-2 0-1 0-2 1-3 2-4 3-5 4-6
0,255,0 13-15 13-16 13-17
255,128,0 14-18 14-19 14-20 62-45-44-43-42
255,153,255 62-49-48-47-46
102,178,255 62-53-52-51-50
255,51,51 62-57-56-55-54
0,255,0 62-61-60-59-58
255,128,0 41-24-23-22-21
255,153,255 41-28-27-26-25
102,178,255 41-32-31-30-29
255,51,51 41-36-35-34-33
0,255,0 41-40-39-38-37
"""

# Body, foot and hand values are those of COCO-WholeBody; the face shares the last one.
_SIGMAS = """
0.026 0.025 0.025 0.035 0.035 0.079 0.079 0.072 0.072 0.107 0.107 0.087 0.087 0.089
0.089
0.068 0.066 0.066 0.092 0.094 0.094
0.047 0.037 0.035 0.022 0.035 0.024 0.025 0.026 0.026 0.022 0.024 0.018 0.032 0.021
0.021 0.017 0.031 0.022 0.019 0.02
0.062
0.047 0.037 0.035 0.022 0.035 0.024 0.025 0.026 0.026 0.022 0.024 0.018 0.032 0.021
0.021 0.017 0.031 0.022 0.019 0.02
0.062
0.072 0.072 0.072 0.072 0.079 0.079 0.079
0.01
"""

GOLIATH308 = build_keypoint_table(
    'goliath',
    names=_NAMES,
    mirror=_MIRROR,
    links=_LINKS,
    colors=_COLORS,
    sigmas=_SIGMAS,
    groups={
        # Ids as evaluation files list them: the body in COCO's order.
        'body': '0-8 62 41 9-14',
        'foot': '15-20',
        'left_hand': '42-61',
        'right_hand': '21-40',
        'extra': '69 63-68',
        'face': '70-307',
    },
    upper='0-8 21-62',
    lower='9-20',
)

FLIP_INDICES = GOLIATH308.flip_indices
GROUP_IDS = GOLIATH308.groups

# Goliath's files count 344 keypoints; the 36 teeth among them are not predicted.
NUM_SOURCE_KEYPOINTS = 344
REMOVED_SOURCE_IDS = parse_ids('220-255')
# Source id of each of the 308 keypoints: ``source[..., SOURCE_IDS]`` selects them.
SOURCE_IDS = tuple(
    k for k in range(NUM_SOURCE_KEYPOINTS) if k not in REMOVED_SOURCE_IDS
)

METAINFO = GOLIATH308.metainfo(
    paper_info=dict(
        author='Khirodkar, Rawal and Bagautdinov, Timur and Martinez, Julieta and '
        'Zhaoen, Su and James, Austin and Selednik, Peter and Anderson, Stuart and '
        'Saito, Shunsuke',
        title='Sapiens: Foundation for Human Vision Models',
        container='European Conference on Computer Vision (ECCV)',
        year='2024',
        homepage='https://github.com/facebookresearch/sapiens',
    )
)
