"""The 28 Goliath classes, by their place in the label maps."""

from __future__ import annotations

CLASSES = (
    'Background',
    'Apparel',
    'Face_Neck',
    'Hair',
    'Left_Foot',
    'Left_Hand',
    'Left_Lower_Arm',
    'Left_Lower_Leg',
    'Left_Shoe',
    'Left_Sock',
    'Left_Upper_Arm',
    'Left_Upper_Leg',
    'Lower_Clothing',
    'Right_Foot',
    'Right_Hand',
    'Right_Lower_Arm',
    'Right_Lower_Leg',
    'Right_Shoe',
    'Right_Sock',
    'Right_Upper_Arm',
    'Right_Upper_Leg',
    'Torso',
    'Upper_Clothing',
    'Lower_Lip',
    'Upper_Lip',
    'Lower_Teeth',
    'Upper_Teeth',
    'Tongue',
)

CLASS = {name: k for k, name in enumerate(CLASSES)}
"""Class id by name."""
