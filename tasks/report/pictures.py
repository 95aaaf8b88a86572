"""Pictures of a story as JPEG data URIs that keep to a budget: thumbnails of its frames, crops of its entities."""

import base64
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from PIL import Image

from schemas.evidence import EntityView, FrameView
from tasks.assembly import AssembledStory


@dataclass(frozen=True, slots=True)
class Size:
    """How large pictures are drawn: longest side of a frame, height of a crop, both in pixels, and JPEG quality."""

    frame: int
    crop: int
    quality: int


SIZES = (Size(320, 112, 70), Size(288, 80, 60), Size(224, 64, 50), Size(160, 48, 40))
"""Tried from the best on; the last is filled as far as the allowance goes."""

CROP_ASPECT = 0.75
"""Width over height of a crop; of a taller box the upper part is shown, where a person's head is."""

_DECODED_SIDE = 480

CropKey = tuple[int, str]


@dataclass(frozen=True, slots=True)
class StoryPictures:
    """Data URIs: ``frames`` by frame number, ``crops`` by frame number and entity; what found no room is missing.

    ``spent`` is their length in characters.
    """

    frames: Mapping[int, str]
    crops: Mapping[CropKey, str]
    spent: int


def draw_pictures(story: AssembledStory, wanted: Iterable[CropKey], allowance: int) -> StoryPictures:
    """Thumbnails of all frames and the wanted crops, as good as ``allowance`` characters permit.

    Args:
        story: with the bytes of its frames.
        wanted: frame number and entity of each crop, the most important first.
        allowance: most characters that the data URIs may have together; never exceeded.
    """
    keys = list(wanted)
    with ThreadPoolExecutor(2, thread_name_prefix="pictures") as pool:
        sources = list(pool.map(_open_frame, (row["image"] for row in story.frames)))
        for size in SIZES:
            drawn = list(pool.map(lambda job: _draw_frame(*job), _jobs(story.evidence.frames, sources, keys, size)))
            if sum(len(uri) for frame in drawn for uri in frame.values()) <= allowance:
                break
    found = {key: uri for frame in drawn for key, uri in frame.items()}
    frames: dict[int, str] = {}
    crops: dict[CropKey, str] = {}
    spent = 0
    for number, entity_id in [*((view.number, "") for view in story.evidence.frames), *keys]:
        uri = found.get((number, entity_id), "")
        if not uri or spent + len(uri) > allowance:
            continue
        spent += len(uri)
        if entity_id:
            crops[number, entity_id] = uri
        else:
            frames[number] = uri
    return StoryPictures(frames, crops, spent)


def _jobs(
    views: Sequence[FrameView], sources: Sequence[Image.Image], keys: Sequence[CropKey], size: Size
) -> Iterator[tuple[FrameView, Image.Image, tuple[EntityView, ...], Size]]:
    wanted = set(keys)
    for view, source in zip(views, sources, strict=True):
        chosen = tuple(entity for entity in view.entities if (view.number, entity.entity_id) in wanted)
        yield view, source, chosen, size


def _open_frame(content: bytes) -> Image.Image:
    """Pixels at about ``_DECODED_SIDE``: JPEG is decoded at a fraction of its size where it is much larger."""
    with Image.open(io.BytesIO(content)) as image:
        share = _DECODED_SIDE / max(image.size)
        image.draft("RGB", (round(image.width * share), round(image.height * share)))
        return image.convert("RGB")


def _draw_frame(view: FrameView, source: Image.Image, entities: Sequence[EntityView], size: Size) -> dict[CropKey, str]:
    small = source.copy() if max(source.size) <= size.frame else source
    if small is source:
        scale = size.frame / max(source.size)
        side = (max(1, round(source.width * scale)), max(1, round(source.height * scale)))
        small = source.resize(side, Image.Resampling.BILINEAR, reducing_gap=2.0)
    drawn = {(view.number, ""): data_uri(small, size.quality)}
    for entity in entities:
        drawn[view.number, entity.entity_id] = data_uri(_crop(view, entity, source, size.crop), size.quality)
    return drawn


def _crop(view: FrameView, entity: EntityView, source: Image.Image, height: int) -> Image.Image:
    x_scale, y_scale = source.width / view.width, source.height / view.height
    box = entity.box
    bottom = min(box.y2, box.y1 + max(box.width, 1.0) / CROP_ASPECT)
    left = min(max(0, round(box.x1 * x_scale)), source.width - 1)
    upper = min(max(0, round(box.y1 * y_scale)), source.height - 1)
    right = min(max(left + 1, round(box.x2 * x_scale)), source.width)
    lower = min(max(upper + 1, round(bottom * y_scale)), source.height)
    crop = source.crop((left, upper, right, lower))
    crop.thumbnail((height * 2, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return crop


def data_uri(image: Image.Image, quality: int) -> str:
    """An RGB image as a JPEG in a ``data:`` URI."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
