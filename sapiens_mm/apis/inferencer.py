"""Shared plumbing: inputs, batching, device, number format, streaming."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from mmengine.config import Config

from sapiens_mm.apis.arguments import show_inherited_arguments
from sapiens_mm.apis.build import (
    build_model,
    check_batch_size,
    load_config,
    pick_device,
    pick_dtype,
)
from sapiens_mm.apis.choose import choose_model
from sapiens_mm.apis.images import find_images, is_single, read_image
from sapiens_mm.apis.results import Result
from sapiens_mm.apis.stages import Failed, Loaded, Prepared
from sapiens_mm.checkpoints import is_bundled, read_checkpoint, resolve
from sapiens_mm.tables import KeypointTable, PartTable


class Inferencer(ABC):
    """Base of the inferencers: one image in, one result out; a list in, a list out.

    Without config and checkpoint the small model of the package runs and says so; a
    checkpoint without a config tells its config itself: the one it was trained with,
    or the one of ours that its tensors fit.

    Args:
        config: A config of ours by name, a path, or a ``Config``; None: the checkpoint
            tells it, and without one it is that of the small model of the package.
        checkpoint: ``.pth``, ``.safetensors``, TorchScript ``.pt2``, ``hf://…``, an
            https address or a name of the zoo. None with a config takes the weights
            in the package if it is theirs, else random ones, and warns.
        device: None takes the GPU if there is one.
        dtype: ``'float32'``, ``'bfloat16'`` or ``'float16'``; None takes bfloat16
            on a GPU and float32 elsewhere.
        compile: Compile the transformer with ``torch.compile`` (slow first call).
        flip_test: Average with the mirrored image, at twice the cost; None does so for
            the small models of the package, to which it costs little.
        batch_size: Inputs of the model at once; None takes 8 on a GPU, else 1.

    Raises:
        ValueError: On a wrong argument, or a checkpoint that does not fit.
    """

    result_type: ClassVar[type[Result]]
    # whose bundled model runs by default, and what a checkpoint must be for
    # of subclasses for a task of their own, which always name a config
    task: ClassVar[str] = ''
    # options that callers may give for each image
    per_image: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        show_inherited_arguments(cls)

    def __init__(
        self,
        config: str | Path | Config | None = None,
        checkpoint: str | Path | None = None,
        *,
        device: str | torch.device | None = None,
        dtype: str | torch.dtype | None = None,
        compile: bool = False,
        flip_test: bool | None = None,
        batch_size: int | None = None,
    ) -> None:
        batch_size = check_batch_size(batch_size)
        config, checkpoint = self.choose(config, checkpoint)
        self.config = load_config(config)
        self.checkpoint = checkpoint
        self._flip_asked_for = bool(flip_test)
        self.device = pick_device(device)
        self.dtype = pick_dtype(dtype, self.device)
        self.flip_test = is_bundled(checkpoint) if flip_test is None else flip_test
        self.batch_size = batch_size or (8 if self.device.type == 'cuda' else 1)
        self.model = self.build(checkpoint)
        if compile:
            self.backbone.compile()

    @classmethod
    def choose(
        cls, config: str | Path | Config | None, checkpoint: str | Path | None
    ) -> tuple[str | Path | Config, str | Path | None]:
        """Fill in what the caller left out of config and checkpoint.

        Raises:
            ValueError: If the checkpoint alone does not tell its config.
        """
        if config is None and not cls.task:
            raise ValueError(f'{cls.__name__} has a task of its own: name its config')
        return choose_model(cls.task, config, checkpoint)

    def build(self, checkpoint: str | Path | None) -> torch.nn.Module:
        """Build the model; called once, by the constructor."""
        return build_model(self.config, checkpoint, self.device, self.dtype)

    def dataset_meta(self) -> Mapping[str, Any] | str | None:
        """Return what the checkpoint says of the data it was trained on, if it does."""
        if self.checkpoint is None:
            return None
        return read_checkpoint(resolve(self.checkpoint)).meta.get('dataset_meta')

    def check_flip(self, table: KeypointTable | PartTable) -> None:
        """Refuse a flip test where it is unknown what trades places in a mirror.

        Raises:
            ValueError: If it was asked for.
        """
        if not self.flip_test or table.mirrors_known:
            return
        if self._flip_asked_for:
            what = 'classes' if isinstance(table, PartTable) else 'keypoints'
            raise ValueError(
                f'flip_test needs to know which {what} trade places in a mirror, and '
                f'neither config nor checkpoint tell it of these {len(table.names)}'
            )
        self.flip_test = False

    @property
    def backbone(self) -> torch.nn.Module:
        """The transformer."""
        return self.model.backbone

    def __call__(self, inputs: object, **options: object) -> Result | list[Result]:
        """Run on one image, or on several.

        Args:
            inputs: A path, a uint8 BGR array (H, W, 3), an image of Pillow; or a
                folder, a glob, a ``.txt`` list, a list or any iterable of these.
            **options: For one image as the task defines them; for several, a list
                with one entry an image.

        Returns:
            One result, or a list in the order of the inputs; in a list a bad input
            is a result with ``error``.

        Raises:
            ValueError: If the one image is bad.
        """
        if not is_single(inputs):
            return list(self.run(inputs, **options))
        for name in options:
            self._check_option(name)
        prepared = self._load(next(iter(find_images(inputs))), options)
        if isinstance(prepared, Failed):
            raise ValueError(prepared.error) from prepared.cause
        result = self._forward([prepared])[0]
        if result.error:
            raise ValueError(result.error)
        return result

    def run(
        self, inputs: object, progress: bool = False, **options: object
    ) -> Iterator[Result]:
        """Stream results of any number of inputs, one each, in order.

        The next images are read while the model works. A bad input becomes a
        result with ``error`` and does not stop the others.

        Args:
            inputs: As for a call.
            progress: Show a bar with rate and remaining time.
            **options: A list with one entry an image, or None.

        Yields:
            One result an image.
        """
        for name in options:
            self._check_option(name)
        images: Iterable = find_images(inputs)
        if not isinstance(inputs, Iterator):
            # counted first, for the bar and for lists of options; a stream is not
            images = list(images)
        total = len(images) if isinstance(images, list) else None
        streams = {
            name: iter(_one_an_image(name, values, total))
            for name, values in options.items()
            if values is not None
        }
        bar = None
        if progress:
            from tqdm import tqdm

            bar = tqdm(total=total, unit='image', desc=type(self).__name__)

        def jobs() -> Iterator[tuple[object, dict[str, Any]]]:
            for image in images:
                yield image, {name: next(it, None) for name, it in streams.items()}

        stream = jobs()
        # one thread: reading is to overlap the model, not to hold many images
        with ThreadPoolExecutor(max_workers=1) as pool:

            def submit() -> Any:
                chunk = list(islice(stream, self.batch_size))
                return chunk and pool.submit(lambda: [self._load(*c) for c in chunk])

            coming = submit()
            while coming:
                chunk = coming.result()
                coming = submit()
                for result in self._forward(chunk):
                    if bar is not None:
                        bar.update()
                    yield result
        if bar is not None:
            bar.close()

    def _check_option(self, name: str) -> None:
        if name not in self.per_image:
            raise TypeError(
                f'{type(self).__name__} takes no {name!r}; it takes '
                f'{", ".join(self.per_image) or "no options"} with the images'
            )

    def _load(self, source: object, options: dict[str, Any]) -> Prepared | Failed:
        named = isinstance(source, (str, os.PathLike)) and os.fspath(source)
        path, image = Path(source) if named else None, None
        try:
            image = read_image(source)
            return self.prepare(Loaded(path, image, options))
        except Exception as error:  # whatever it is, the others get their results
            return Failed.of(path, image, error)

    def _forward(self, chunk: list[Prepared | Failed]) -> list[Result]:
        samples = [sample for each in chunk for sample in each.samples]
        outputs: list[Any] = []
        with torch.inference_mode():
            # one image may have more people than a batch holds
            for start in range(0, len(samples), self.batch_size):
                outputs += self.predict(samples[start : start + self.batch_size])
        found = iter(outputs)
        results = []
        for each in chunk:
            own = list(islice(found, len(each.samples)))
            if isinstance(each, Prepared) and all(output is not None for output in own):
                results.append(self.finish(each, own))
                continue
            fields = each.fields
            if isinstance(each, Prepared):
                fields['error'] = self._not_finite(each)
            results.append(self.result_type(**fields))
        return results

    def _not_finite(self, prepared: Prepared) -> str:
        """Say that the model answered nonsense, and whose weights these are."""
        weights = self.checkpoint or 'random ones'
        kind = str(self.dtype).removeprefix('torch.')
        sentence = (
            f'{prepared.loaded.source or "The image"}: the model answers NaN or Inf in '
            f'{kind}; its weights: {weights}'
        )
        return ' '.join(sentence.split())

    @abstractmethod
    def prepare(self, loaded: Loaded) -> Prepared:
        """Turn an image into inputs of the model. Raises ValueError on bad ones."""

    @abstractmethod
    def predict(self, samples: list[Any]) -> list[Any]:
        """Run the model on at most ``batch_size`` inputs.

        Returns:
            One output each; None where it is not finite.
        """

    @abstractmethod
    def finish(self, prepared: Prepared, outputs: list[Any]) -> Result:
        """Turn the outputs of one image, all of them finite, into its result."""


def _one_an_image(name: str, values: object, total: int | None) -> Iterable:
    """Check an option for several images: a list with an entry for each."""
    if isinstance(values, np.ndarray) or not isinstance(values, Iterable):
        raise ValueError(
            f'{name} for several images must be a list with one entry an image, got '
            f'{type(values).__name__}'
        )
    if total is not None and hasattr(values, '__len__') and len(values) != total:
        raise ValueError(f'{name} has {len(values)} entries for {total} images')
    return values
