"""One training step and one validation sample of a run, in a folder that is deleted."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.hooks import Hook

from sapiens_mm.data.files import BadFileError

_OUTPUTS = ('outfile_prefix', 'out_file', 'report_dir', 'output_dir', 'out_file_path')


def into_folder(cfg: Config, folder: str) -> str | list[str] | None:
    """Have a run write below a folder alone, and save no checkpoint.

    Args:
        cfg: Of the run; changed in place.
        folder: For logs, images and what metrics write.

    Returns:
        ``save_best`` of the checkpoint hook, which is gone.
    """
    cfg.work_dir = folder
    hooks = cfg.get('default_hooks')
    save_best = None
    if hooks is not None:
        save_best = (hooks.get('checkpoint') or {}).get('save_best')
        hooks['checkpoint'] = None
    if isinstance(cfg.get('visualizer'), dict):
        # a trial must not reach a TensorBoard or W&B of real runs
        cfg.visualizer['vis_backends'] = [dict(type='LocalVisBackend')]
    if isinstance(cfg.get('val_dataloader'), dict) and 'batch_size' in (
        cfg.val_dataloader
    ):
        cfg.val_dataloader['batch_size'] = 1
    evaluator = cfg.get('val_evaluator')
    for metric in evaluator if isinstance(evaluator, (list, tuple)) else [evaluator]:
        for name in _OUTPUTS if isinstance(metric, dict) else ():
            if metric.get(name):
                # name alone: the folder of a prefix may not exist below the new one
                metric[name] = str(Path(folder, Path(metric[name]).name))
    return save_best if evaluator is not None else None


class FirstBatch:
    """A loader that ends after its first batch, and is otherwise the one inside."""

    def __init__(self, loader: Any) -> None:
        # past our own __setattr__, which hands on to the loader
        object.__setattr__(self, '_loader', loader)

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, '_loader'), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._loader, name, value)

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[Any]:
        for batch in self._loader:
            yield batch
            return


class OneStepHook(Hook):
    """Ends a run after one step and one validation sample, and measures both.

    Attributes:
        lines: What to report, once the run is over.

    Raises:
        BadFileError: If the loss is not finite, or no metric returns ``save_best``.

    Args:
        save_best: Of the checkpoint hook, which does not run.
    """

    priority = 'LOWEST'  # after what other hooks set up

    def __init__(self, save_best: str | list[str] | None) -> None:
        self.wanted = [save_best] if isinstance(save_best, str) else save_best or []
        self.lines: list[str] = []
        self._began = 0.0

    def before_train(self, runner: Any) -> None:
        """Shorten the loops."""
        loop = runner.train_loop
        if hasattr(loop, 'dataloader_iterator'):
            loop._iter, loop._max_iters = 0, 1
        else:
            # one epoch from where a resumed run is
            loop.dataloader = FirstBatch(loop.dataloader)
            loop._max_epochs = loop._epoch + 1
        loop.val_begin, loop.val_interval = 0, 1
        # mmengine sets val_interval anew from these two during a run
        loop.dynamic_milestones, loop.dynamic_intervals = [0], [1]
        if runner.val_loop is not None:
            runner.val_loop.dataloader = FirstBatch(runner.val_loop.dataloader)

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any) -> None:
        """Start the clock; the batch is there."""
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
            # kernels run behind: without this the clock misses their time
            torch.cuda.synchronize()
        self._began = time.perf_counter()

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any, outputs: dict
    ) -> None:
        """Report the step."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        seconds = time.perf_counter() - self._began
        losses = {
            name: torch.as_tensor(value).detach().item()
            for name, value in outputs.items()
            if 'loss' in name and torch.as_tensor(value).numel() == 1
        }
        shown = ', '.join(f'{name} {value:.4g}' for name, value in losses.items())
        self.lines.append(
            f'training step: {seconds:.2f} s (the first; later ones are faster), '
            f'{shown}; {_memory()}'
        )
        for name, value in losses.items():
            if not math.isfinite(value):
                raise BadFileError(f'{name} of the first step is {value}')

    def before_val_epoch(self, runner: Any) -> None:
        """Start the clock of the validation."""
        self._began = time.perf_counter()

    def after_val_epoch(self, runner: Any, metrics: dict[str, float]) -> None:
        """Report the figures, and look for ``save_best`` among them."""
        seconds = time.perf_counter() - self._began
        numbers = {k: v for k, v in metrics.items() if isinstance(v, (int, float))}
        shown = ', '.join(f'{k} {v:.4g}' for k, v in list(numbers.items())[:3])
        more = f' and {len(numbers) - 3} more' if len(numbers) > 3 else ''
        self.lines.append(f'validation of one sample: {seconds:.2f} s; {shown}{more}')
        lacking = [n for n in self.wanted if n != 'auto' and n not in metrics]
        if lacking:
            raise BadFileError(
                f'save_best is {lacking[0]!r}, which no metric returns: they return '
                f'{", ".join(list(metrics)[:8])}'
            )


def _memory() -> str:
    """Say how much memory was needed at most."""
    if torch.cuda.is_available():
        return f'{torch.cuda.max_memory_allocated() / 1e9:.1f} GB on the GPU'
    try:
        import resource
    except ImportError:  # Windows
        return 'memory not measured'
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 1 if sys.platform == 'darwin' else 1024  # bytes there, KiB elsewhere
    return f'{peak * unit / 1e9:.1f} GB of memory, the whole process'
