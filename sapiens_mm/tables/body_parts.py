"""Body-part and face-part classes: names, colours, loss weights, mirror pairs.

Also the maps that turn other data sets' classes into the 28 of Goliath. Each map is a
tuple: entry c is the new id of source class c, or 255 where there is none.
"""

from .schema import PartTable, build_part_table, parse_names

IGNORE_INDEX = 255

# classes, colours and weights of the official configs, in the order of the heads
GOLIATH28 = build_part_table(
    'goliath28',
    """
    Background       50,50,50     0.1
    Apparel          255,218,0    10
    Face_Neck        128,200,255  3
    Hair             255,0,109    2
    Left_Foot        189,0,204    4
    Left_Hand        255,0,218    4
    Left_Lower_Arm   0,160,204    2
    Left_Lower_Leg   0,255,145    2
    Left_Shoe        204,0,131    6
    Left_Sock        182,0,255    10
    Left_Upper_Arm   255,109,0    3
    Left_Upper_Leg   0,255,255    3
    Lower_Clothing   72,0,255     1
    Right_Foot       204,131,0    4
    Right_Hand       255,0,0      4
    Right_Lower_Arm  72,255,0     2
    Right_Lower_Leg  189,204,0    2
    Right_Shoe       182,255,0    6
    Right_Sock       102,0,204    10
    Right_Upper_Arm  32,72,204    3
    Right_Upper_Leg  0,145,255    3
    Torso            14,204,0     1
    Upper_Clothing   0,128,72     1
    Lower_Lip        235,205,119  10
    Upper_Lip        115,227,112  10
    Lower_Teeth      157,113,143  10
    Upper_Teeth      132,93,50    10
    Tongue           82,21,114    10
    """,
    swap='4-11:13-20',
)

PART_IDS_28 = {name: number for number, name in enumerate(GOLIATH28.classes)}
"""Name of each of the 28 classes -> its value in label maps."""

_LIP_CLASSES = """
    Background    0,0,0        0.1
    Hat           128,0,0      1.5
    Hair          255,0,0      1.0
    Glove         0,85,0       1.5
    Sunglasses    170,0,51     1.5
    UpperClothes  255,85,0     0.8
    Dress         0,0,85       1.2
    Coat          0,119,221    1.0
    Socks         85,85,0      1.5
    Pants         0,85,85      0.8
    Jumpsuits     85,51,0      1.2
    Scarf         52,86,128    1.5
    Skirt         0,128,0      1.5
    Face          0,0,255      0.7
    Left-arm      51,170,221   1.0
    Right-arm     0,255,255    1.0
    Left-leg      85,255,170   1.0
    Right-leg     170,255,85   1.0
    Left-shoe     255,255,0    1.5
    Right-shoe    255,170,0    1.5
"""
_LIP_SWAP = '14 16 18:15 17 19'
LIP20 = build_part_table('lip20', _LIP_CLASSES, swap=_LIP_SWAP)
CIHP20 = build_part_table('cihp20', _LIP_CLASSES, swap=_LIP_SWAP)

# FaceSynthetics trains without class weights. Two classes share a colour there.
FACE19 = build_part_table(
    'face19',
    """
    Background      0,0,0
    Skin            128,200,255
    Nose            255,200,150
    Right_eye       0,255,127
    Left_eye        255,99,71
    Right_brow      30,144,255
    Left_brow       255,140,0
    Right_ear       238,130,238
    Left_ear        255,215,0
    Mouth_interior  82,21,114
    Top_lip         115,227,112
    Bottom_lip      235,205,119
    Neck            255,182,193
    Hair            255,0,109
    Beard           169,169,169
    Clothing        0,128,72
    Glasses         0,70,130
    Headwear        255,215,0
    Facewear        75,0,130
    """,
    swap='3 5 7:4 6 8',
)

# The classes of Goliath's own files; six of them are not predicted.
SOURCE_34_CLASSES = parse_names(
    """
    Background Apparel Chair Eyeglass_Frame Eyeglass_Lenses Face_Neck Hair Headset
    Left_Foot Left_Hand Left_Lower_Arm Left_Lower_Leg Left_Shoe Left_Sock
    Left_Upper_Arm Left_Upper_Leg Lower_Clothing Lower_Spandex Right_Foot Right_Hand
    Right_Lower_Arm Right_Lower_Leg Right_Shoe Right_Sock Right_Upper_Arm
    Right_Upper_Leg Torso Upper_Clothing Visible_Badge Lower_Lip Upper_Lip Lower_Teeth
    Upper_Teeth Tongue
    """
)

ATR_CLASSES = parse_names(
    """
    Background Hat Hair Sunglasses UpperClothes Skirt Pants Dress Belt Left-shoe
    Right-shoe Face Left-leg Right-leg Left-arm Right-arm Bag Scarf
    """
)

PASCAL_CLASSES = parse_names(
    """
    Background Head Left_eye Right_eye Left_ear Right_ear Left_eye_brow Right_eye_brow
    Nose Mouth Hair Torso Neck Left_lower_arm Left_upper_arm Left_hand Right_lower_arm
    Right_upper_arm Right_hand Left_lower_leg Left_upper_leg Left_foot Right_lower_leg
    Right_upper_leg Right_foot
    """
)


def _to_28(classes: tuple[str, ...], **sources: str) -> tuple[int, ...]:
    """Map source classes to the 28, given ``target='source source'``."""
    target = {name: to for to, names in sources.items() for name in names.split()}
    unknown = set(target) - set(classes)
    assert not unknown, f'not a source class: {unknown}'
    return tuple(
        PART_IDS_28[target[name]] if name in target else IGNORE_INDEX
        for name in classes
    )


SOURCE_34_TO_28 = _to_28(
    SOURCE_34_CLASSES, **{name: name for name in GOLIATH28.classes}
)

_CLOTHED = dict(
    Background='Background',
    Face_Neck='Face',
    Hair='Hair',
    Left_Shoe='Left-shoe',
    Right_Shoe='Right-shoe',
)
# A skirt is upper clothing in LIP and CIHP but lower clothing in ATR: official values.
LIP_TO_28 = _to_28(
    LIP20.classes,
    Upper_Clothing='UpperClothes Coat Skirt',
    Lower_Clothing='Pants',
    **_CLOTHED,
)
CIHP_TO_28 = LIP_TO_28
ATR_TO_28 = _to_28(
    ATR_CLASSES,
    Upper_Clothing='UpperClothes',
    Lower_Clothing='Skirt Pants',
    **_CLOTHED,
)
# official as well: feet are shoes, the torso is clothing, the mouth is nothing
PASCAL_TO_28 = _to_28(
    PASCAL_CLASSES,
    Background='Background',
    Face_Neck='Head Left_eye Right_eye Left_ear Right_ear Left_eye_brow '
    'Right_eye_brow Nose Neck',
    Hair='Hair',
    Upper_Clothing='Torso',
    Left_Hand='Left_hand',
    Right_Hand='Right_hand',
    Left_Shoe='Left_foot',
    Right_Shoe='Right_foot',
)

PART_TABLES: dict[str, PartTable] = {
    table.name: table for table in (GOLIATH28, LIP20, CIHP20, FACE19)
}
