"""JPEG decoded on a GPU by NVIDIA's nvJPEG, through torchvision.

Its pixels differ from libjpeg's by rounding, so that it is used where a configuration asks for it and nowhere else: what was
asked for is part of every key. What it cannot read is left to the caller, whatever else is decoded with it.
"""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from schemas.errors import ConfigError, ModelError
from tasks.models.device import EXTRA, Device, choose_device, is_out_of_memory
from tasks.models.options import Options

Pixels = NDArray[np.uint8]

_START = b"\xff\xd8\xff"


class NvJpeg:
    """Decodes on one GPU."""

    def __init__(self, device: Device) -> None:
        """Decode on ``device``; nothing is imported yet."""
        self._device = device

    def decode(self, contents: Sequence[bytes]) -> list[Pixels | None]:
        """RGB pixels ``(height, width, 3)`` of each image; None for what is no JPEG or of a kind that nvJPEG does not know.

        Raises:
            ModelError: memory of the GPU ran out.
        """
        import torch

        found: list[Pixels | None] = [None] * len(contents)
        places = [k for k, content in enumerate(contents) if content.startswith(_START)]
        files = [torch.frombuffer(bytearray(contents[k]), dtype=torch.uint8) for k in places]
        for k, pixels in zip(places, self._decode(files) if files else [], strict=True):
            if pixels is not None:
                found[k] = pixels.permute(1, 2, 0).contiguous().cpu().numpy()
        return found

    def _decode(self, files: list[Any]) -> list[Any]:
        """Tensors ``(3, height, width)`` on the GPU; the library gives all or none, so a call that fails is done singly."""
        from torchvision.io import ImageReadMode, decode_jpeg

        try:
            return list(decode_jpeg(files, mode=ImageReadMode.RGB, device=self._device.name))
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise ModelError(
                    f"not enough memory on {self._device.name} to decode frames: free the GPU, or set decode to libjpeg"
                ) from error
            return [None] if len(files) == 1 else [one for file in files for one in self._decode([file])]


def open_nvjpeg(options: Options) -> NvJpeg:
    """What decodes on the GPU that ``options`` name, tried on one image.

    Raises:
        ConfigError: there is no GPU, or this torchvision cannot decode on it.
    """
    device = choose_device(options.device, options.precision)
    if not device.on_gpu:
        raise ConfigError("decode = nvjpeg needs a GPU, and the model runs on the CPU: set decode to libjpeg")
    try:
        import torchvision.io  # noqa: F401
    except (ImportError, RuntimeError) as error:  # a build for another torch fails in its own way
        raise ConfigError(f"decode = nvjpeg needs torchvision. Install with: {EXTRA}") from error
    decoder = NvJpeg(device)
    content = io.BytesIO()
    Image.new("RGB", (16, 16)).save(content, "JPEG")
    if decoder.decode([content.getvalue()])[0] is None:
        raise ConfigError(
            "decode = nvjpeg cannot be used: this torchvision is a build without it; set decode to libjpeg"
        )
    return decoder
