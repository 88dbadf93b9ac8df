_base_ = '../_base_/det_tiny_short.py'
