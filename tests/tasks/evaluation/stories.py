"""Small stories written by hand, to be scored by hand."""

from collections.abc import Mapping, Sequence

from schemas.chain_of_thought import render_chain_of_thought
from schemas.model_output import join_output
from schemas.story import render_story
from schemas.text import (
    NARRATIVE_PHASES,
    ChainOfThought,
    CharacterRow,
    ImageAnalysis,
    ImageBlock,
    ObjectRow,
    PhaseRow,
    PixelBox,
    SettingRow,
    Story,
    Tag,
)
from tasks.evaluation.sample import Reference, Sample

SIZE = (400, 200)

Boxes = Mapping[str, PixelBox]


def tables(frames: Sequence[Boxes]) -> str:
    """A chain of thought with a row for each box of each frame."""
    images = tuple(
        ImageAnalysis(
            number=number,
            characters=tuple(
                CharacterRow(name, "Ines", "A woman", "Calm", "Walks", "Lead", box)
                for name, box in boxes.items()
                if name.startswith("char")
            ),
            objects=tuple(
                ObjectRow(name, "A thing", "Stands", "None", "Prop", box)
                for name, box in boxes.items()
                if not name.startswith("char")
            ),
            settings=(SettingRow("Location", "A garden", "Calm", "Dusk", "Place"),),
        )
        for number, boxes in enumerate(frames, start=1)
    )
    narrative = tuple(PhaseRow(phase, "What happens", "Events", (1,)) for phase in NARRATIVE_PHASES)
    return render_chain_of_thought(ChainOfThought(images, narrative))


def told(blocks: Sequence[Sequence[str | Tag]]) -> str:
    """A story of blocks."""
    return render_story(Story(tuple(ImageBlock(n, tuple(parts)) for n, parts in enumerate(blocks, start=1))))


def reference(frames: Sequence[Boxes], story: str = "", story_id: str = "1", film: str = "film") -> Reference:
    """A reference with these boxes; without a story of its own it says who is there."""
    text = story or told([[Tag("gdo", (name,), "Ines") for name in boxes] or ["Nobody."] for boxes in frames])
    return Reference(story_id, film, [SIZE] * len(frames), tables(frames), text)


def sample(truth: Reference, frames: Sequence[Boxes] | None, story: str = "") -> Sample:
    """An answer with these boxes to the frames of a reference; None for no answer."""
    if frames is None:
        return Sample(truth, None)
    return Sample(truth, join_output(tables(frames), story or reference(frames).story))


def exact(truth: Reference) -> Sample:
    """The answer that is the reference itself."""
    return Sample(truth, join_output(truth.chain_of_thought, truth.story))
