"""What compiled mmcv calls ``mmcv._ext``, on torchvision and plain PyTorch.

Needs torch and torchvision; served by ``sapiens_mm.compat.ops``. Functions carry the
names, argument orders and keywords that ``mmcv.ops`` calls with, and like the compiled
ones write into the buffers they are given. mmcv wraps them in autograd functions,
hence the separate forward and backward.
"""
