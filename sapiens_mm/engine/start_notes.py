"""What the checks before a training share: the config, and what they say of it."""

from __future__ import annotations

from collections.abc import Iterator

from mmengine.config import Config

from sapiens_mm.engine.inherited import Inherited


class StartNotes:
    """A config that is about to be trained, and what its checks have found.

    Args:
        cfg: The config, command line included; checks change inherited defaults that
            do not fit in place.

    Attributes:
        inherited: Tells what the config has from shipped ones.
        remarks: Sentences for the screen: what was changed, and what is odd.
        log_lines: Texts for the log: what is in the files.
        counts: For the summary, what was found of the ``train`` and ``val`` data.
        task: What is learnt, for the summary: ``'17 keypoints'``.
    """

    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg
        self.inherited = Inherited(cfg.filename)
        self.remarks: list[str] = []
        self.log_lines: list[str] = []
        self.counts: dict[str, str] = {}
        self.task = ''

    def remark(self, text: str) -> None:
        """Keep a sentence for the screen, once."""
        if text not in self.remarks:
            self.remarks.append(text)


def metrics_of(cfg: Config) -> Iterator[dict]:
    """Yield the configs of the metrics of the validation."""
    evaluator = cfg.get('val_evaluator')
    if isinstance(evaluator, dict) and 'metrics' in evaluator:
        evaluator = evaluator['metrics']  # mmpose's MultiDatasetEvaluator
    for metric in evaluator if isinstance(evaluator, (list, tuple)) else [evaluator]:
        if isinstance(metric, dict):
            yield metric


def data_of(cfg: Config) -> Iterator[tuple[str, dict]]:
    """Yield the key of a loader and the config of its data set: of train, then val."""
    for key in ('train_dataloader', 'val_dataloader'):
        loader = cfg.get(key)
        if isinstance(loader, dict) and isinstance(loader.get('dataset'), dict):
            yield key, loader['dataset']
