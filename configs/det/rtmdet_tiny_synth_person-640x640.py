_base_ = '../_base_/det_tiny.py'
