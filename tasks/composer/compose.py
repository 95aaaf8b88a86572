"""The drafter that needs no language model: tables and a grounded story, from evidence alone.

In: what was measured on a story's frames. Out: its chain of thought and its story as typed values. The same evidence and the
same parameters always give the same text; nothing is told that the frames do not show (see ``docs/composer.md``).
"""

from schemas.draft_config import DraftConfig
from schemas.evidence import StoryEvidence
from schemas.text import NARRATIVE_PHASES, ChainOfThought, Story
from tasks.composer.block import BlockWriter
from tasks.composer.chronicle import Chronicle, read_evidence
from tasks.composer.draw import Draw
from tasks.composer.names import assign_names, give_names
from tasks.composer.plan import plan_phases
from tasks.composer.tables import TableWriter

VERSION = 1
"""Raised with every change of what is written from the same evidence."""


def compose(evidence: StoryEvidence, params: DraftConfig) -> tuple[ChainOfThought, Story]:
    """The chain of thought and the story of ``evidence``; see :func:`compose_analysis` and :func:`compose_story`.

    Raises:
        SampleError: no frames, numbers that are not 1, 2, 3, ..., an id twice in a frame or of another kind than it says.
    """
    return compose_analysis(evidence, params), compose_story(evidence, params)


def compose_analysis(evidence: StoryEvidence, params: DraftConfig) -> ChainOfThought:
    """The tables of ``evidence``.

    Raises:
        SampleError: as :func:`compose`.
    """
    chronicle, names = _read(evidence, params)
    phases = plan_phases(chronicle)
    tables = TableWriter(chronicle, names, params)
    return ChainOfThought(
        images=tuple(tables.image(index) for index in range(len(chronicle.moments))),
        narrative=tuple(tables.phase(phase, numbers) for phase, numbers in zip(NARRATIVE_PHASES, phases, strict=True)),
    )


def compose_story(evidence: StoryEvidence, params: DraftConfig) -> Story:
    """The story of ``evidence``, with the names that its tables have.

    Every id in a block is an entity of that block's frame, and every third-person pronoun is tagged. A frame in which nothing
    was found gets a block without tags: there is nothing to ground.

    Raises:
        SampleError: as :func:`compose`.
    """
    chronicle, names = _read(evidence, params)
    phase_of: dict[int, str] = {}
    for phase, numbers in zip(NARRATIVE_PHASES, plan_phases(chronicle), strict=True):
        for number in numbers:
            phase_of.setdefault(number, phase)
    blocks = BlockWriter(chronicle, names, phase_of, params)
    return Story(tuple(blocks.write(index) for index in range(len(chronicle.moments))))


def _read(evidence: StoryEvidence, params: DraftConfig) -> tuple[Chronicle, dict[str, str]]:
    """What is known of a story, and what its people are called."""
    chronicle = read_evidence(evidence)
    people = [entity_id for entity_id in chronicle.seen if entity_id.startswith("char")]
    names = assign_names(people, Draw(params.seed, chronicle.story_key, "names"))
    given = {view.entity_id: view.name for frame in evidence.frames for view in frame.entities if view.name}
    return chronicle, give_names(names, {entity_id: name for entity_id, name in given.items() if entity_id in names})
