"""A workspace made by hand: shards of two short stories as the stages would have left them, and the record of the run."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from schemas.arrow import ANALYSES, APPEARANCE, DRAFTS, FRAMES, GROUNDED, IDENTITIES, PEOPLE, STORIES
from schemas.chain_of_thought import render_chain_of_thought
from schemas.config import BuildConfig
from schemas.geometry import Box
from schemas.story import clean_text, render_story
from schemas.text import (
    NARRATIVE_PHASES,
    ChainOfThought,
    CharacterRow,
    ImageAnalysis,
    ImageBlock,
    ObjectRow,
    PhaseRow,
    SettingRow,
    Story,
    Tag,
)
from tasks.rows import Face, detection_row, face_row
from tasks.runtime.keys import content_key
from tasks.runtime.record import StageTotals, totals_json
from tasks.runtime.stage import Row, RunSpec, ShardRef
from tasks.runtime.store import write_shard
from tests.e2e.building import STAGES

WIDTH, HEIGHT = 96, 54
KEYS = {stage: stage[0] * 32 for stage in STAGES}


@dataclass(frozen=True)
class Film:
    """What a test may want to have otherwise; ``cast`` names ``char1``, ``char2`` and ``obj1``."""

    name: str = "harbour"
    stories: int = 2
    frames: int = 5
    width: int = WIDTH
    height: int = HEIGHT
    cast: tuple[str, str, str] = ("Ines", "Marko", "Brass lamp")
    label: str = "lamp"
    words: str = "waited"
    detail: str = "2 of 64 hash bits from f0"
    noise: bool = False
    rejected: int = 3
    hash_from: int = 0
    look: tuple[float, ...] = ()
    links: Sequence[Row] = ()

    @property
    def names(self) -> dict[str, str]:
        """Name of each entity."""
        return dict(zip(CONFIDENCES, self.cast, strict=True))


BOXES = {"char1": Box(10, 8, 40, 50), "char2": Box(50, 10, 80, 54), "obj1": Box(70, 4, 94, 20)}
CONFIDENCES = {"char1": (0.99, 0.97, 0.95, 0.93, 0.91), "char2": (0.9, 0.4), "obj1": (1.0,)}
"""By appearance: ``char1`` is in all five frames, ``char2`` in the first two, ``obj1`` in the first."""


def picture(film: Film, seed: int) -> bytes:
    """A frame as JPEG bytes: a gradient with a block that moves, or noise."""
    if film.noise:
        pixels = np.random.default_rng(seed).integers(0, 256, (film.height, film.width, 3), dtype=np.uint8)
    else:
        pixels = np.zeros((film.height, film.width, 3), dtype=np.uint8)
        pixels[..., 0] = np.linspace(0, 255, film.width, dtype=np.uint8)
        pixels[..., 1] = np.linspace(0, 255, film.height, dtype=np.uint8)[:, None]
        pixels[film.height // 4 :, 8 * (seed % 8) : 8 * (seed % 8) + 16, 2] = 255
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def seen_in(number: int) -> list[str]:
    """Entities of a frame."""
    return [entity_id for entity_id, links in CONFIDENCES.items() if number <= len(links)]


def tell(film: Film) -> tuple[str, str]:
    """Chain of thought and story of any story of the film."""
    images, blocks = [], []
    for number in range(1, film.frames + 1):
        boxes = {entity_id: BOXES[entity_id].rounded(film.width, film.height) for entity_id in seen_in(number)}
        people = tuple(
            CharacterRow(i, film.names[i], "Someone in a grey coat", "Calm", "Waits", "Protagonist", box)
            for i, box in boxes.items()
            if i.startswith("char")
        )
        things = tuple(
            ObjectRow(i, film.names[i], "Gives light", "None", "Prop", box)
            for i, box in boxes.items()
            if i.startswith("obj")
        )
        place = SettingRow("Location", "Quay", "Quiet", "Dusk", "Opens the story")
        images.append(ImageAnalysis(number, people, things, (place,)))
        parts: list[str | Tag] = [
            Tag("gdo", ("char1",), clean_text(film.names["char1"])),
            " ",
            Tag("gda", ("char1",), film.words),
        ]
        if "char2" in boxes:
            parts += [
                " with ",
                Tag("gdo", ("char2",), clean_text(film.names["char2"])),
                ". ",
                Tag("gdo", ("char1", "char2"), "They"),
            ]
            parts.append(" stood still.")
        if "obj1" in boxes:
            parts += [" ", Tag("gdo", ("obj1",), "The lamp"), " was lit."]
        blocks.append(ImageBlock(number, tuple(parts)))
    phases = tuple(PhaseRow(phase, "What happens", "An event", (1,)) for phase in NARRATIVE_PHASES)
    return render_chain_of_thought(ChainOfThought(tuple(images), phases)), render_story(Story(tuple(blocks)))


def write_film(run: RunSpec, film: Film) -> ShardRef:
    """Write every shard that a film with its stories leaves behind."""
    shard = content_key(film.name)
    rows: dict[str, list[Row]] = {stage: [] for stage in KEYS}
    for at in range(film.stories):
        frame_ids = [f"f_scene_{at + 1:04d}_{number:04d}" for number in range(1, film.frames + 1)]
        key = content_key([film.name, at])
        for number, frame_id in enumerate(frame_ids, start=1):
            _write_frame(rows, film, key, f"{at + 1:04d}", number, frame_id)
        rows["sequence"].append(
            {"story_key": key, "film": film.name, "frame_ids": frame_ids, "scenes": [f"{at + 1:04d}"]}
        )
        rows["reidentify"].append({"story_key": key, "film": film.name, "entities": _entities(film)})
        analysis, story = tell(film)
        drafted = {
            "story_key": key,
            "chain_of_thought": analysis,
            "drafter": "composer",
            "model": "",
            "prompt_version": "composer-1",
            "input_tokens": 0,
            "output_tokens": 0,
            "cost_usd": 0.0,
            "attempts": 1,
            "pictures": [],
        }
        found = {"film": film.name, "entities": _entities(film), "detections": [], "corrections": [], "landmarks": []}
        rows["draft_analysis"].append(drafted | found)
        rows["draft_story"].append(drafted | {"story": story})
        rows["ground"].append(
            {
                "story_key": key,
                "film": film.name,
                "frame_ids": frame_ids,
                "chain_of_thought": analysis,
                "story": story,
                "links": list(film.links),
            }
        )
    schemas: dict[str, pa.Schema] = {
        "ingest": FRAMES,
        "faces": PEOPLE,
        "sequence": STORIES,
        "appearance": APPEARANCE,
        "reidentify": IDENTITIES,
        "draft_analysis": ANALYSES,
        "draft_story": DRAFTS,
        "ground": GROUNDED,
    }
    for stage, schema in schemas.items():
        with write_shard(run.store, stage, shard, KEYS[stage], schema) as out:
            for row in rows[stage]:
                out.write(row)
    with write_shard(run.store, "select", shard, KEYS["select"], STORIES) as out:
        for number in range(film.rejected):
            out.reject("frame", f"{film.name}_{number}", "near-duplicate", film.detail)
    return ShardRef(shard, film.name, film.stories * film.frames, None, dict(KEYS), film.stories)


def _write_frame(rows: dict[str, list[Row]], film: Film, key: str, scene: str, number: int, frame_id: str) -> None:
    labels = {"char1": "person", "char2": "person", "obj1": film.label}
    face = Face(
        "d0", 0.9, 0.8, Box(18, 10, 30, 24), ((20, 14), (27, 14), (24, 18), (21, 21), (26, 21)), np.ones(4, np.float32)
    )
    rows["ingest"].append(
        {
            "frame_id": frame_id,
            "film": film.name,
            "scene": scene,
            "source": f"{frame_id}.jpg",
            "source_sha256": "0" * 64,
            "format": "jpeg",
            "reencoded": "",
            "width": film.width,
            "height": film.height,
            "phash": film.hash_from + number,
            "luma": 0.5,
            "contrast": 0.2,
            "saturation": 0.3,
            "warmth": 0.0,
            "image": picture(film, number),
        }
    )
    detections = [
        detection_row(f"d{i}", labels[entity_id], 0.85 - 0.1 * i, "detector", BOXES[entity_id])
        for i, entity_id in enumerate(seen_in(number))
    ]
    rows["faces"].append({"frame_id": frame_id, "scene": scene, "detections": detections, "faces": [face_row(face)]})
    rows["appearance"].append(
        {
            "story_key": key,
            "frame_id": frame_id,
            "crops": [
                {"det_id": d["det_id"], "embedding": np.array(film.look, "<f4").tobytes(), "colours": []}
                for d in detections
            ],
            "tags": [],
        }
    )


def _entities(film: Film) -> list[Row]:
    entities = []
    for rank, (entity_id, links) in enumerate(CONFIDENCES.items()):
        members = [{"frame": n, "det_id": f"d{rank}", "confidence": value} for n, value in enumerate(links, start=1)]
        entities.append(
            {
                "entity_id": entity_id,
                "gallery_id": f"{entity_id}",
                "kind": "char" if entity_id.startswith("char") else "obj",
                "label": "person" if entity_id.startswith("char") else film.label,
                "confidence": sum(links) / len(links),
                "members": members[: film.frames],
            }
        )
    return entities


def make_run(
    root: Path, films: Sequence[Film], source: str = "frames"
) -> tuple[RunSpec, list[ShardRef], dict[str, Any]]:
    """A workspace with these films, and the record that the run would have left."""
    run = RunSpec(str(root), source, BuildConfig())
    refs = [write_film(run, film) for film in films]
    frames = sum(film.stories * film.frames for film in films)
    stories = sum(film.stories for film in films)
    lost = sum(film.rejected for film in films)
    totals = []
    for stage in KEYS:
        unit = "story" if stage in ("reidentify", "draft_analysis", "draft_story", "ground") else "frame"
        count = stories if unit == "story" else frames
        total = StageTotals(stage, unit, len(films), 0, count, count, seconds=1.5, cpu_s=2.0)
        if stage in ("ingest", "select"):
            total.items_in += lost
        if stage == "ingest":
            total.items_out += lost
        if stage == "select" and lost:
            total.rejected = {"near-duplicate": lost}
        if stage == "detect":
            total.models = {"nanodet": "ab" * 32}
        totals.append(total)
    keys = [
        row["story_key"]
        for ref in refs
        for row in run.store.read("ground", ref.shard, ref.keys["ground"]).select(["story_key"])
    ]
    record = {
        "run_id": "20250131T120000-abcdef",
        "source": source,
        "preset": "embedded",
        "engine": "plain",
        "config": run.config.model_dump(mode="json"),
        "started": "2025-01-31T12:00:00.000+00:00",
        "finished": "2025-01-31T12:01:05.000+00:00",
        "wall_s": 65.0,
        "stages": totals_json(totals),
        "dataset": {
            "stories": stories,
            "splits": {"train": stories, "test": 0},
            "films": {f.name: "train" for f in films},
        },
        "story_ids": {key: str(1000 + i) for i, key in enumerate(keys)},
    }
    return run, refs, record
