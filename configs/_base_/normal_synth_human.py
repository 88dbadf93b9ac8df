# SynthHuman: 298,008 rendered people, free for commercial use; every 100th evaluates.
_base_ = ['./normal.py', './schedule_dense.py']

synth_human = dict(
    type='sapiens_mm.SapiensSynthHumanDataset', data_root='data/synth_human/'
)

train_dataloader = dict(dataset=dict(**synth_human, split='train'))
val_dataloader = dict(dataset=dict(**synth_human, split='val'))
test_dataloader = val_dataloader
