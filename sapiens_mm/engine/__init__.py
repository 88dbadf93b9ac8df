"""What the training loop needs beside the host's. Needs: mmengine."""

from sapiens_mm.data.bad_samples import SapiensSkippedHook
from sapiens_mm.engine.amp import SapiensAmpOptimWrapper
from sapiens_mm.engine.channels_last_hook import SapiensChannelsLastHook
from sapiens_mm.engine.epoch_seed_hook import SapiensEpochSeedHook
from sapiens_mm.engine.finite_hook import SapiensFiniteHook
from sapiens_mm.engine.fsdp2 import SapiensFSDP2Strategy
from sapiens_mm.engine.layer_decay import SapiensLayerDecayConstructor
from sapiens_mm.engine.muon import SapiensMuon
from sapiens_mm.engine.optim_wrapper import SapiensOptimWrapper
from sapiens_mm.engine.preview_hook import SapiensPreviewHook
from sapiens_mm.engine.show_hook import SapiensShowHook

__all__ = [
    'SapiensSkippedHook',
    'SapiensAmpOptimWrapper',
    'SapiensChannelsLastHook',
    'SapiensEpochSeedHook',
    'SapiensFSDP2Strategy',
    'SapiensFiniteHook',
    'SapiensLayerDecayConstructor',
    'SapiensMuon',
    'SapiensOptimWrapper',
    'SapiensPreviewHook',
    'SapiensShowHook',
]
