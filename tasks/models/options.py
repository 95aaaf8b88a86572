"""What a configuration can say about a production model beyond its name."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of a production model; the embedded ones take none of them.

    Attributes:
        weights: a local file or folder with other weights of the same architecture; empty takes the listed ones.
        sha256: what that file must hash to; a pickled checkpoint (``.pt``) is not read without it.
        revision: commit of the hub repository instead of the listed one.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:<number>``.
        precision: ``auto``, ``float32`` or ``float16``.
        batch: items in one call; halved when memory runs out.
        image_side: longer side of the network's input in pixels; 0 takes the model's own.
        sides: for face detectors, sides of the square inputs in pixels, all of which are searched.
        masks: whether the pixels of each detection are wanted.
        score: least score of a detection.
        nms_iou: overlap from which two boxes of a label are one, where the model leaves that open.
    """

    weights: str = ""
    sha256: str = ""
    revision: str = ""
    device: str = "auto"
    precision: str = "auto"
    batch: int = 8
    image_side: int = 0
    sides: tuple[int, ...] = (128, 640)
    masks: bool = False
    score: float = 0.3
    nms_iou: float = 0.6
