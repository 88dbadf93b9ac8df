_base_ = '../_base_/depth_tiny.py'
