"""Boxes. Pixels of the stored frame, origin top-left, ``x1,y1,x2,y2`` as floats, rounded only in text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """An axis-aligned rectangle in pixels of its frame; ``x2`` and ``y2`` are exclusive edges."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width(self) -> float:
        """Width in pixels, never negative."""
        return max(0.0, self.x2 - self.x1)

    @property
    def height(self) -> float:
        """Height in pixels, never negative."""
        return max(0.0, self.y2 - self.y1)

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return self.width * self.height

    @property
    def centre(self) -> tuple[float, float]:
        """Centre point ``(x, y)``."""
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2

    def intersection(self, other: "Box") -> float:
        """Area shared with ``other``, in square pixels."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        return width * height if width > 0 and height > 0 else 0.0

    def iou(self, other: "Box") -> float:
        """Intersection over union with ``other``; 0 when both are empty."""
        shared = self.intersection(other)
        union = self.area + other.area - shared
        return shared / union if union > 0 else 0.0

    def clamp(self, width: float, height: float) -> "Box":
        """The part of this box inside a frame of ``width`` x ``height`` pixels."""
        return Box(
            min(max(self.x1, 0.0), width),
            min(max(self.y1, 0.0), height),
            min(max(self.x2, 0.0), width),
            min(max(self.y2, 0.0), height),
        )

    def rounded(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Integers for the text formats: inside ``0..width`` and ``0..height``, at least one pixel in each direction.

        Raises:
            ValueError: the frame has no pixel.
        """
        if width < 1 or height < 1:
            raise ValueError(f"a box needs a frame of at least 1x1 pixels, not {width}x{height}")
        x1 = min(max(round(self.x1), 0), width - 1)
        y1 = min(max(round(self.y1), 0), height - 1)
        x2 = max(min(max(round(self.x2), 0), width), x1 + 1)
        y2 = max(min(max(round(self.y2), 0), height), y1 + 1)
        return x1, y1, x2, y2
