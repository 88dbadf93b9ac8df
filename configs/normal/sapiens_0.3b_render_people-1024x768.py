_base_ = '../_base_/normal_render_people.py'
