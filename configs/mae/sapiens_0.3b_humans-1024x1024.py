_base_ = '../_base_/mae_humans.py'
