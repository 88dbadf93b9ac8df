"""People with keypoints whose images have part labels, depth and normals as well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sapiens_mm.data.files import BadFileError
from sapiens_mm.pose.goliath_dataset import SapiensGoliathDataset
from sapiens_mm.registry import DATASETS

MAPS = ('labels', 'depth', 'normal')


@DATASETS.register_module()
class SapiensMultitaskDataset(SapiensGoliathDataset):
    """Folders that ``sapiens synth`` writes, all of their labels.

    A sample is a person with 308 keypoints, and the maps of the whole image. No host
    has a data set that spans tasks.

    Args:
        ann_file: Annotations with 308 keypoints.
        data_prefix: Folders below ``data_root``: ``img``, ``labels``, ``depth`` and
            ``normal``. An image's maps are PNGs of its name.
        **kwargs: Of :class:`~sapiens_mm.pose.SapiensGoliathDataset`.

    Raises:
        ValueError: If a folder is not named.
        BadFileError: If the first image lacks one of its maps.
    """

    def __init__(
        self, ann_file: str = '', *, data_prefix: dict[str, str], **kwargs: Any
    ) -> None:
        missing = sorted({'img', *MAPS} - set(data_prefix))
        if missing:
            raise ValueError(f'data_prefix must name {", ".join(missing)} as well')
        super().__init__(ann_file, data_prefix=data_prefix, **kwargs)

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read the file, and look for the maps of its first person's image."""
        data_list = super().load_data_list()
        for path in data_list[0]['map_paths'].values():
            if not Path(path).is_file():
                raise BadFileError(f'{path} does not exist')
        return data_list

    def parse_data_info(self, raw_data_info: dict[str, Any]) -> dict[str, Any] | None:
        """Add ``map_paths``, by ``labels``, ``depth`` and ``normal``, to the base's."""
        info = super().parse_data_info(raw_data_info)
        # None for a crowd without keypoints, which the host leaves out
        if info is not None:
            name = Path(raw_data_info['raw_img_info']['file_name']).with_suffix('.png')
            info['map_paths'] = {
                kind: str(Path(self.data_prefix[kind], name)) for kind in MAPS
            }
        return info
