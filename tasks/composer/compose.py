"""The drafter that needs no language model: tables and a grounded story, from evidence alone.

In: what was measured on a story's frames. Out: its chain of thought and its story as typed values. The same evidence and the
same parameters always give the same text; nothing is told that the frames do not show (see ``docs/composer.md``).
"""

from schemas.config import DraftConfig
from schemas.evidence import StoryEvidence
from schemas.text import NARRATIVE_PHASES, ChainOfThought, Story
from tasks.composer.block import BlockWriter
from tasks.composer.chronicle import read_evidence
from tasks.composer.draw import Draw
from tasks.composer.names import assign_names
from tasks.composer.plan import plan_phases
from tasks.composer.tables import TableWriter

VERSION = 1
"""Raised with every change of what is written from the same evidence."""


def compose(evidence: StoryEvidence, params: DraftConfig) -> tuple[ChainOfThought, Story]:
    """The chain of thought and the story of ``evidence``.

    Every id in a block is an entity of that block's frame, and every third-person pronoun is tagged. A frame in which nothing
    was found gets a block without tags: there is nothing to ground.

    Raises:
        SampleError: no frames, numbers that are not 1, 2, 3, ..., an id twice in a frame or of another kind than it says.
    """
    chronicle = read_evidence(evidence)
    people = [entity_id for entity_id in chronicle.seen if entity_id.startswith("char")]
    names = assign_names(people, Draw(params.seed, chronicle.story_key, "names"))
    phases = plan_phases(chronicle)
    phase_of: dict[int, str] = {}
    for phase, numbers in zip(NARRATIVE_PHASES, phases, strict=True):
        for number in numbers:
            phase_of.setdefault(number, phase)
    blocks = BlockWriter(chronicle, names, phase_of, params)
    tables = TableWriter(chronicle, names, params)
    count = len(chronicle.moments)
    story = Story(tuple(blocks.write(index) for index in range(count)))
    analysis = ChainOfThought(
        images=tuple(tables.image(index) for index in range(count)),
        narrative=tuple(tables.phase(phase, numbers) for phase, numbers in zip(NARRATIVE_PHASES, phases, strict=True)),
    )
    return analysis, story
