# LIP, 20 body parts.
_base_ = './seg_parts20.py'

part_table = 'lip20'  # names, palette and mirror pairs
