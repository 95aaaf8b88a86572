"""Memory for images on their way to a GPU: pinned, so that the card fetches them by itself, and used again and again."""

from typing import Any

from tasks.models.device import Device


class Staging:
    """Two buffers for batches of squares, taken in turn: one is filled while the card works on what lies in the other."""

    def __init__(self, torch: Any, device: Device) -> None:
        """Hold nothing yet; the memory is pinned where ``device`` is a GPU."""
        self._torch = torch
        self._pinned = device.on_gpu
        self._buffers: list[Any] = [None, None]

    def take(self, count: int, side: int) -> Any:
        """A tensor of bytes ``(count, side, side, 3)`` with anything in it, good until the second time after this one."""
        self._buffers.reverse()
        buffer = self._buffers[0]
        if buffer is None or len(buffer) < count or buffer.shape[1] != side:
            buffer = self._torch.empty((count, side, side, 3), dtype=self._torch.uint8, pin_memory=self._pinned)
            self._buffers[0] = buffer
        return buffer[:count]
