"""Made-up films: evidence as the vision stages would give it, with everything that goes wrong there."""

import math
import random

from schemas.evidence import EntityKind, EntityView, FaceView, FrameView, Light, StoryEvidence
from schemas.geometry import Box

COLOURS = (
    "black",
    "white",
    "grey",
    "dark blue",
    "blue",
    "red",
    "dark green",
    "brown",
    "beige",
    "purple",
    "yellow",
    "pink",
)
LABELS = ("chair", "dining table", "cup", "laptop", "car", "dog", "potted plant", "bottle", "umbrella", "traffic light")
TAGS = ("library", "restaurant", "window shade", "desk", "suit", "wig", "seashore", "street sign", "golden retriever")


def make_face(box: Box, yaw: float, roll: float, score: float = 0.9) -> FaceView:
    """A face in ``box`` whose nose lies ``yaw`` eye distances beside the middle and whose head leans ``roll`` degrees."""
    cx, cy = box.centre
    eye = 0.46 * box.width
    angle = math.radians(roll)

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            cx + x * math.cos(angle) - y * math.sin(angle),
            cy + x * math.sin(angle) + y * math.cos(angle),
        )

    down = 0.25 * box.height
    return FaceView(
        box,
        score,
        0.8,
        (
            at(-eye / 2, -down / 2),
            at(eye / 2, -down / 2),
            at(yaw * eye, down / 3),
            at(-eye / 2.4, down),
            at(eye / 2.4, down),
        ),
    )


def make_person(
    entity_id: str,
    across: float,
    *,
    face_height: float = 0.2,
    yaw: float | None = 0.0,
    roll: float = 0.0,
    colour: str | None = "dark blue",
    heads: float = 5.0,
    confidence: float = 0.9,
    frame: tuple[int, int] = (480, 270),
) -> EntityView:
    """A person whose middle is at share ``across`` of the frame; ``yaw`` None is a person without a face."""
    width, height = frame
    tall = face_height * height
    x, top = across * width, 0.25 * height
    box = Box(x - 1.1 * tall, top - 0.2 * tall, x + 1.1 * tall, top + heads * tall).clamp(width, height)
    face = None if yaw is None else make_face(Box(x - 0.38 * tall, top, x + 0.38 * tall, top + tall), yaw, roll)
    colours = () if colour is None else ((colour, 0.5),)
    return EntityView(entity_id, "char", "person", f"d-{entity_id}", box, 0.8, confidence, colours, face)


def make_thing(entity_id: str, label: str, box: Box, score: float = 0.8) -> EntityView:
    """A thing, landmark or background region."""
    kind: EntityKind = "obj" if entity_id.startswith("obj") else "lm" if entity_id.startswith("lm") else "bg"
    return EntityView(entity_id, kind, label, f"d-{entity_id}", box, score, 0.9, (("grey", 0.6),), None)


def make_frame(
    number: int,
    scene: str,
    *entities: EntityView,
    light: Light | None = None,
    tags: tuple[tuple[str, float], ...] = (),
    size: tuple[int, int] = (480, 270),
) -> FrameView:
    """A frame of ``scene``."""
    return FrameView(
        number, f"{scene}-{number}", scene, *size, light or Light(0.45, 0.2, 0.2, 0.0), tuple(entities), tags
    )


def simulate(seed: int, *, frames: int | None = None, crowd: bool = False) -> StoryEvidence:
    """A film with a cast that comes and goes, moves, turns, loses its faces, among things that flicker, in changing light."""
    dice = random.Random(seed)
    count = frames or dice.randint(5, 22)
    size = dice.choice(((480, 270), (426, 240), (575, 240), (1280, 720)))
    cast = [f"char{k}" for k in range(1, (dice.randint(12, 24) if crowd else dice.randint(1, 7)) + 1)]
    sure = {who: dice.choice((0.3, 0.9, 0.9, 0.9, 1.0)) for who in cast}
    wears = {who: dice.choice((*COLOURS, None)) for who in cast}
    things = {f"obj{k}": dice.choice(LABELS) for k in range(1, dice.randint(0, 6) + 1)}
    things.update({f"bg{k}": "stone wall" for k in range(1, dice.randint(0, 2) + 1)})
    if dice.random() < 0.2:
        things["lm1"] = "tower"
    views: list[FrameView] = []
    scene = 0
    while len(views) < count:
        scene += 1
        empty = dice.random() < 0.08
        here = [] if empty else dice.sample(cast, dice.randint(max(1, len(cast) // 2) if crowd else 1, len(cast)))
        here = here[: 24 if crowd else 4]
        place = {who: dice.uniform(0.05, 0.95) for who in here}
        size_of = {who: dice.choice((0.05, 0.09, 0.14, 0.2, 0.3, 0.45)) for who in here}
        yaw = {who: dice.choice((0.0, 0.0, 0.05, -0.35, 0.35, -0.7, 0.7)) for who in here}
        near = [one for one in things if dice.random() < 0.4]
        spots = {one: (dice.uniform(0, 0.9), dice.uniform(0.2, 0.8), dice.uniform(0.03, 0.4)) for one in near}
        light = Light(
            dice.uniform(0.03, 0.95), dice.uniform(0.03, 0.35), dice.uniform(0, 0.7), dice.uniform(-0.15, 0.15)
        )
        tags = tuple((dice.choice(TAGS), dice.uniform(0.1, 0.9)) for _ in range(dice.randint(0, 3)))
        for _ in range(dice.randint(1, 5)):
            if len(views) == count:
                break
            entities: list[EntityView] = []
            for who in here:
                if dice.random() < 0.1:
                    continue
                place[who] = min(max(place[who] + dice.choice((0, 0, 0, -0.08, 0.08, 0.3)), 0.02), 0.98)
                size_of[who] = min(size_of[who] * dice.choice((1, 1, 1, 1.2, 0.8, 1.7)), 0.6)
                if dice.random() < 0.3:
                    yaw[who] = dice.choice((0.0, -0.35, 0.35))
                roll = dice.choice((0, 0, 0, 15, -15))
                seen = None if dice.random() < 0.2 else yaw[who]
                entities.append(
                    make_person(
                        who,
                        place[who],
                        face_height=size_of[who],
                        yaw=seen,
                        roll=roll,
                        colour=wears[who],
                        heads=dice.choice((1.6, 3, 5, 7.5, 9)),
                        confidence=sure[who],
                        frame=size,
                    )
                )
            for one in near:
                if dice.random() < 0.25:
                    continue
                x, y, share = spots[one]
                box = Box(x * size[0], y * size[1], (x + share) * size[0], (y + share) * size[1]).clamp(
                    *map(float, size)
                )
                entities.append(make_thing(one, things[one], box, dice.uniform(0.5, 1)))
            dice.shuffle(entities)
            views.append(
                make_frame(len(views) + 1, f"film_scene_{scene}", *entities, light=light, tags=tags, size=size)
            )
    return StoryEvidence(f"simulated-{seed}", "simulated", tuple(views))
