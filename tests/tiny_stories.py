"""A dataset of short, strictly valid stories on small painted frames, for tests that train on it."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw

from schemas.chain_of_thought import render_chain_of_thought
from schemas.story import render_story
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

SIDE = 56
FRAMES = 5
_NAMES = ("Ines", "Rui", "Ana", "Tomas", "Vera", "Nuno")
_THINGS = ("key", "lamp", "letter", "coat", "bell", "cup")
_VERBS = ("turned", "waited", "ran", "smiled", "listened", "paused")


def tell(seed: int, frames: int = FRAMES) -> tuple[str, str]:
    """A chain of thought and a story."""
    name, thing = _NAMES[seed % 6], _THINGS[(seed // 2) % 6]
    images, blocks = [], []
    for number in range(1, frames + 1):
        verb = _VERBS[(seed + number) % 6]
        left = 2 + (seed * 7 + number * 3) % 20
        images.append(
            ImageAnalysis(
                number,
                (CharacterRow("char1", name, "Tall", "Calm", verb.capitalize(), "Lead", (left, 4, left + 20, 50)),),
                (ObjectRow("obj1", thing.capitalize(), "Tool", "Held", "Clue", (4, left, 30, left + 12)),),
                (SettingRow("Location", "Hall", "Still", "Dusk", "Stage"),),
            )
        )
        parts: tuple[str | Tag, ...] = (
            Tag("gdo", ("char1",), name),
            " ",
            Tag("gda", ("char1",), verb),
            " by ",
            Tag("gdo", ("obj1",), f"the {thing}"),
            ".",
        )
        blocks.append(ImageBlock(number, parts))
    phases = tuple(
        PhaseRow(phase, "Short", "One", tuple(n for n in range(1, frames + 1) if (n - 1) * 5 // frames == place))
        for place, phase in enumerate(NARRATIVE_PHASES)
    )
    return render_chain_of_thought(ChainOfThought(tuple(images), phases)), render_story(Story(tuple(blocks)))


def paint_frame(seed: int, number: int, side: int = SIDE) -> bytes:
    """A picture of its own for each story and frame."""
    image = Image.new("RGB", (side, side), (seed * 53 % 256, number * 47 % 256, 90))
    ImageDraw.Draw(image).rectangle((number * 4, seed * 3 % 20, number * 4 + 18, 48), fill=(240, seed * 31 % 256, 20))
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


def write_stories(folder: Path, seeds: range, split: str = "train") -> Path:
    """Add a split to the dataset in ``folder``, a story a seed, and give the folder back."""
    rows = []
    for seed in seeds:
        chain_of_thought, story = tell(seed)
        images = [{"bytes": paint_frame(seed, number), "path": None} for number in range(1, FRAMES + 1)]
        rows.append(
            {
                "story_id": str(seed),
                "images": images,
                "frame_count": FRAMES,
                "chain_of_thought": chain_of_thought,
                "story": story,
            }
        )
    schema = pa.schema(
        [
            ("story_id", pa.string()),
            ("images", pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))),
            ("frame_count", pa.int32()),
            ("chain_of_thought", pa.string()),
            ("story", pa.string()),
        ]
    )
    (folder / "data").mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / "data" / f"{split}-00000-of-00001.parquet")
    return folder
