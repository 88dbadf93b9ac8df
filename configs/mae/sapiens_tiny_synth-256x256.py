# Masked-autoencoder pretraining of sapiens_tiny on synthetic people.
_base_ = '../_base_/mae_tiny.py'
