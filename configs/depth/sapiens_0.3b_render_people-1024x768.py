_base_ = '../_base_/depth_render_people.py'
