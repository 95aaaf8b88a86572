"""The frames of a story side by side: each picture with its boxes, and under it what is told of it."""

from collections.abc import Mapping, Sequence

from schemas.evidence import EntityView, FrameView
from schemas.text import ImageBlock, Tag
from tasks.report.markup import Markup, element, escape, join
from tasks.report.pictures import StoryPictures

KIND_NAMES = {"gdo": "mention", "gda": "action", "gdl": "place"}


def label(entity_id: str, names: Mapping[str, str]) -> str:
    """An entity as people read it: ``char1 Ines``."""
    name = names.get(entity_id, "")
    return f"{entity_id} {name}" if name else entity_id


def draw_board(
    frames: Sequence[FrameView],
    blocks: Mapping[int, ImageBlock],
    pictures: StoryPictures,
    colours: Mapping[str, str],
    names: Mapping[str, str],
) -> Markup:
    """One card a frame."""
    cards = []
    for view in frames:
        block = blocks.get(view.number)
        told = (
            draw_text(block, colours, names) if block else element("span", {"class": "none"}, "nothing is told of it")
        )
        where = join(element("b", None, f"Image {view.number}"), element("span", {"class": "mono data"}, view.frame_id))
        cards.append(
            element(
                "article",
                {"class": "card"},
                draw_frame(view, pictures.frames.get(view.number), colours, names),
                element("div", {"class": "where"}, where),
                element("p", {"class": "text data"}, told),
            )
        )
    # Upright and square pictures take more height: four stand in a row where three wide ones would.
    return element("div", {"class": "board narrow" if frames and is_narrow(frames[0]) else "board"}, cards)


def is_narrow(view: FrameView) -> bool:
    """Whether a frame is upright or nearly square."""
    return view.width < 1.3 * view.height


def draw_frame(view: FrameView, picture: str | None, colours: Mapping[str, str], names: Mapping[str, str]) -> Markup:
    """A thumbnail under an SVG overlay in pixels of the frame; small boxes lie over large ones."""
    seen = ", ".join(label(entity.entity_id, names) for entity in view.entities) or "nobody and nothing"
    size = {"width": view.width, "height": view.height}
    if picture:
        attributes = {"src": picture, "alt": f"Frame {view.number}: {seen}", "loading": "lazy", "decoding": "async"}
        base = element("img", {**attributes, **size})
    else:
        base = element("svg", {"class": "blank", "viewBox": f"0 0 {view.width} {view.height}"})
    ordered = sorted(view.entities, key=lambda entity: (-entity.box.area, entity.entity_id))
    plates = place_plates(view, ordered)
    marks = [_draw_box(entity, colours, names) for entity in ordered]
    marks += [_draw_plate(entity, plate, colours) for entity, plate in zip(ordered, plates, strict=True)]
    overlay = {
        "class": "boxes",
        "aria-hidden": "true",
        "viewBox": f"0 0 {view.width} {view.height}",
        "preserveAspectRatio": "none",
    }
    shape = "pic tall" if view.height > view.width else "pic wide"
    return element("div", {"class": shape}, base, element("svg", overlay, marks))


Plate = tuple[float, float, float, float]
"""Left, top, width and height of the plate that carries an id, in pixels of the frame."""


def place_plates(view: FrameView, entities: Sequence[EntityView]) -> list[Plate]:
    """Where each id stands: in the top left corner of its box, moved down past plates that are in the way."""
    # About 12 pixels on the screen at the sizes at which wide, square and upright pictures are shown.
    unit = max(view.width / (25 if is_narrow(view) else 30), view.height / 28)
    placed: list[Plate] = []
    for entity in entities:
        width, height = (0.62 * len(entity.entity_id) + 0.7) * unit, 1.4 * unit
        left = min(max(entity.box.x1, 0.0), max(0.0, view.width - width))
        top = start = min(max(entity.box.y1, 0.0), max(0.0, view.height - height))
        for other in sorted(placed, key=lambda plate: plate[1]):
            beside = left + width <= other[0] or other[0] + other[2] <= left
            if not beside and top < other[1] + other[3] and other[1] < top + height:
                top = other[1] + other[3]
        # Below the frame nothing is seen: better one over the other than that.
        placed.append((left, top if top + height <= view.height else start, width, height))
    return placed


def _draw_box(entity: EntityView, colours: Mapping[str, str], names: Mapping[str, str]) -> Markup:
    box = entity.box
    shape = {"x": box.x1, "y": box.y1, "width": box.width, "height": box.height}
    says = f"{label(entity.entity_id, names)}: {entity.label} {entity.score:.2f}, identity {entity.confidence:.2f}"
    edges = [element("rect", {"class": "halo", **shape}), element("rect", {"class": "edge", **shape})]
    return element("g", _belongs(entity, colours), element("title", None, says), edges)


def _draw_plate(entity: EntityView, plate: Plate, colours: Mapping[str, str]) -> Markup:
    left, top, width, height = plate
    shape = {"x": left, "y": top, "width": width, "height": height, "rx": height / 5}
    place = {"x": left + width / 2, "y": top + height * 0.74, "font-size": height / 1.4, "text-anchor": "middle"}
    text = element("text", place, entity.entity_id)
    return element("g", _belongs(entity, colours), element("rect", {"class": "plate", **shape}), text)


def _belongs(entity: EntityView, colours: Mapping[str, str]) -> dict[str, str]:
    return {"class": colours[entity.entity_id], "data-e": entity.entity_id}


def draw_text(block: ImageBlock, colours: Mapping[str, str], names: Mapping[str, str]) -> Markup:
    """What a block tells, its tags marked: ids behind the first tag of an entity or group, later a spot for each of a group."""
    introduced: set[tuple[str, ...]] = set()
    pieces: list[Markup] = []
    for part in block.parts:
        if isinstance(part, Tag):
            pieces.append(_draw_tag(part, part.ids not in introduced, colours, names))
            introduced.add(part.ids)
        else:
            pieces.append(escape(part))
    return join(pieces)


def _draw_tag(tag: Tag, first: bool, colours: Mapping[str, str], names: Mapping[str, str]) -> Markup:
    says = ", ".join(label(entity_id, names) for entity_id in tag.ids)
    attributes = {
        "class": f"tag {tag.kind} {colours.get(tag.ids[0], '')}".rstrip(),
        "data-e": " ".join(tag.ids),
        "tabindex": 0,
        "role": "button",
        "aria-pressed": "false",
        "title": f"{KIND_NAMES[tag.kind]}: {says}",
    }
    hidden = {"aria-hidden": "true"}
    if first:
        return element("span", attributes, tag.text, element("sup", hidden, " ".join(tag.ids)))
    if len(tag.ids) == 1:
        return element("span", attributes, tag.text)
    spots = [element("i", {"class": f"spot {colours.get(entity_id, '')}".rstrip()}, "\u25cf") for entity_id in tag.ids]
    return element("span", attributes, tag.text, element("sup", hidden, spots))
