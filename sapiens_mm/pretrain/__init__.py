"""Masked-autoencoder pretraining. Needs: mmpretrain."""

from sapiens_mm.pretrain.masked_vit import SapiensMaskedViT

__all__ = ['SapiensMaskedViT']
