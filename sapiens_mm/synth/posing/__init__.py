"""Poses: stances, gestures, hands, limits of joints, motion files, contacts."""
