"""The whole drafter: whatever the evidence, what it writes keeps every strict rule and can be taken at its word."""

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.chain_of_thought import parse_chain_of_thought, render_chain_of_thought
from schemas.draft_config import DraftConfig
from schemas.errors import SampleError
from schemas.evidence import EntityKind, EntityView, FaceView, FrameView, Light, StoryEvidence
from schemas.geometry import Box
from schemas.story import parse_story, render_story
from schemas.text import NARRATIVE_PHASES, ChainOfThought, ImageBlock, Story, Tag
from schemas.validation import check_texts
from tasks.composer.compose import compose
from tests.tasks.composer.films import make_frame, make_person, simulate

PARAMS = DraftConfig()
FILMS = 60


def check(evidence: StoryEvidence, params: DraftConfig = PARAMS) -> Story:
    """Compose ``evidence``; fail on any strict fault of the texts."""
    chain, story = compose(evidence, params)
    texts = render_chain_of_thought(chain), render_story(story)
    sizes = [(frame.width, frame.height) for frame in evidence.frames]
    faults = check_texts(*texts, frame_sizes=sizes, level="strict")
    assert not faults, "\n".join(map(str, faults))
    assert parse_chain_of_thought(texts[0]).value == chain
    assert parse_story(texts[1]).value == story
    check_by_hand(evidence, story)
    rows = {row.entity_id for row in chain.images[0].characters} | {row.entity_id for row in chain.images[0].objects}
    assert rows == {view.entity_id for view in evidence.frames[0].entities}
    assert tuple(row.phase for row in chain.narrative) == NARRATIVE_PHASES
    return story


def check_by_hand(evidence: StoryEvidence, story: Story) -> None:
    """The rules that matter most once more, without the validator."""
    assert [block.number for block in story.blocks] == [frame.number for frame in evidence.frames]
    for frame, block in zip(evidence.frames, story.blocks, strict=True):
        own = {view.entity_id: view.kind for view in frame.entities}
        tags = [part for part in block.parts if isinstance(part, Tag)]
        assert bool(tags) == bool(own)
        for tag in tags:
            kinds = {own[entity_id] for entity_id in tag.ids}
            assert kinds <= {"gdo": {"char", "obj"}, "gda": {"char"}, "gdl": {"lm", "bg"}}[tag.kind]
            assert tag.text == tag.text.strip() != ""
        outside = " ".join(
            part if isinstance(part, str) else part.text for part in block.parts if getattr(part, "kind", "") != "gdo"
        )
        assert not re.search(r"\b(they|them|their|theirs|themselves|he|she|him|her|his)\b", outside, re.IGNORECASE)
        assert not re.search(r"[{}\[\]|<>]|  | [,.;:]|[,;:][,.;:]|\.\.", text_of(block))


def text_of(block: ImageBlock) -> str:
    return "".join(part if isinstance(part, str) else part.text for part in block.parts)


@pytest.mark.parametrize("crowd", [False, True])
def test_simulated_films_keep_every_strict_rule(crowd: bool) -> None:
    for seed in range(FILMS // 4 if crowd else FILMS):
        check(simulate(seed, crowd=crowd))


@pytest.mark.slow
def test_a_thousand_films_keep_every_strict_rule() -> None:
    for seed in range(1000):
        check(
            simulate(10_000 + seed, crowd=seed % 10 == 0),
            DraftConfig(seed=seed % 7, named=1 + seed % 5, group_ids=2 + seed % 9),
        )


coordinates = st.floats(-50, 700, allow_nan=False)
boxes = st.builds(Box, coordinates, coordinates, coordinates, coordinates)
words = st.text(max_size=12) | st.sampled_from(["chair", "a|b", "<gdo>", "they", "x\ny", "person"])
points = st.tuples(coordinates, coordinates)
faces = st.builds(FaceView, boxes, st.floats(0, 1), st.floats(0, 1), st.lists(points, max_size=6).map(tuple))
shares = st.lists(st.tuples(words, st.floats(0, 1)), max_size=3).map(tuple)


@st.composite
def entities(draw: st.DrawFn) -> tuple[EntityView, ...]:
    found: dict[str, EntityView] = {}
    for _ in range(draw(st.integers(0, 9))):
        kind: EntityKind = draw(st.sampled_from(("char", "char", "obj", "lm", "bg")))
        entity_id = f"{kind}{draw(st.integers(1, 6))}"
        found[entity_id] = EntityView(
            entity_id,
            kind,
            draw(words),
            "d",
            draw(boxes),
            draw(st.floats(0, 1)),
            draw(st.floats(0, 1)),
            draw(shares),
            draw(st.none() | faces) if kind == "char" else None,
        )
    return tuple(found.values())


@st.composite
def stories(draw: st.DrawFn) -> StoryEvidence:
    lights = st.builds(Light, st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(-1, 1))
    frames = tuple(
        FrameView(
            number,
            f"f{number}",
            draw(st.sampled_from("st")),
            draw(st.integers(1, 600)),
            draw(st.integers(1, 400)),
            draw(lights),
            draw(entities()),
            draw(shares),
        )
        for number in range(1, draw(st.integers(1, 9)) + 1)
    )
    return StoryEvidence(draw(st.text(max_size=5)), "film", frames)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(stories(), st.integers(0, 5))
def test_any_evidence_keeps_every_strict_rule(evidence: StoryEvidence, seed: int) -> None:
    check(evidence, DraftConfig(seed=seed))


def test_an_order_of_entities_makes_no_difference() -> None:
    evidence = simulate(5)
    turned = StoryEvidence(
        evidence.story_key,
        evidence.film,
        tuple(
            FrameView(
                frame.number,
                frame.frame_id,
                frame.scene,
                frame.width,
                frame.height,
                frame.light,
                frame.entities[::-1],
                frame.tags,
            )
            for frame in evidence.frames
        ),
    )
    assert compose(turned, PARAMS) == compose(evidence, PARAMS)


def test_same_words_in_every_process() -> None:
    code = """
import hashlib
from schemas.draft_config import DraftConfig
from schemas.story import render_story
from schemas.chain_of_thought import render_chain_of_thought
from tasks.composer.compose import compose
from tests.tasks.composer.films import simulate
digest = hashlib.sha256()
for seed in range(4):
    chain, story = compose(simulate(seed), DraftConfig())
    digest.update((render_chain_of_thought(chain) + render_story(story)).encode())
print(digest.hexdigest())
"""
    root = Path(__file__).parents[3]
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hashseed, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            check=True,
            cwd=root,
        ).stdout
        for hashseed in ("0", "4711")
    }
    assert len(digests) == 1
    assert len(digests.pop().strip()) == hashlib.sha256().digest_size * 2


def test_seed_and_key_change_names_and_words() -> None:
    evidence = simulate(8)
    other = StoryEvidence("another", evidence.film, evidence.frames)
    drafts = [compose(evidence, PARAMS), compose(evidence, DraftConfig(seed=1)), compose(other, PARAMS)]
    assert len({render_story(story) for _, story in drafts}) == 3
    assert len({chain.images[0].characters[0].name for chain, _ in drafts if chain.images[0].characters}) > 1


def test_an_impossible_story_is_an_error_with_its_key() -> None:
    with pytest.raises(SampleError, match="story lost"):
        compose(StoryEvidence("lost", "film", ()), PARAMS)


def test_a_frame_without_entities_has_a_block_without_tags() -> None:
    frames = tuple(make_frame(n, "s", *([make_person("char1", 0.5)] if n != 3 else [])) for n in range(1, 6))
    story = check(StoryEvidence("k", "film", frames))
    assert all(isinstance(part, str) for part in story.blocks[2].parts)


# claims in the words, against the evidence ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drafts() -> list[tuple[StoryEvidence, ChainOfThought, Story]]:
    films = [simulate(seed, crowd=seed % 10 == 9) for seed in range(FILMS)]
    return [(evidence, *compose(evidence, PARAMS)) for evidence in films]


@pytest.fixture(scope="module")
def told(drafts: list[tuple[StoryEvidence, ChainOfThought, Story]]) -> list[tuple[StoryEvidence, Story]]:
    return [(evidence, story) for evidence, _, story in drafts]


def test_number_words_count_the_people_of_the_frame(told: list[tuple[StoryEvidence, Story]]) -> None:
    words = ["", "one", "two", "three", "four", "five", "six", "seven", "eight"]
    checked = 0
    for _, story in told:
        for block in story.blocks:
            for tag in (part for part in block.parts if isinstance(part, Tag)):
                match = re.fullmatch(
                    r"(?:the |all )?(two|three|four|five|six|seven|eight)(?: of them| people)?", tag.text.lower()
                )
                if match:
                    assert len(tag.ids) == words.index(match[1]), tag
                    checked += 1
    assert checked > 50


def test_nobody_is_alone_in_company(told: list[tuple[StoryEvidence, Story]]) -> None:
    checked = 0
    for evidence, story in told:
        for frame, block in zip(evidence.frames, story.blocks, strict=True):
            if re.search(
                r"\b(alone now|by themselves|went on alone|without company now|for the first time alone)\b",
                text_of(block),
            ):
                assert sum(view.kind == "char" for view in frame.entities) == 1
                checked += 1
    assert checked > 5


def test_sides_are_those_of_the_boxes(told: list[tuple[StoryEvidence, Story]]) -> None:
    """``<name> was on the left`` and the like, where the subject is one person."""
    checked = 0
    for evidence, story in told:
        for frame, block in zip(evidence.frames, story.blocks, strict=True):
            across = {view.entity_id: view.box.centre[0] / frame.width for view in frame.entities}
            for tag, after in pairwise(block.parts):
                if isinstance(tag, Tag) and len(tag.ids) == 1 and isinstance(after, str):
                    if re.match(r" was (on|near|at) the (far )?left\b", after):
                        assert across[tag.ids[0]] < 0.5
                        checked += 1
                    if re.match(r" was (on|near|at) the (far )?right\b", after):
                        assert across[tag.ids[0]] > 0.5
                        checked += 1
    assert checked > 10


def test_a_name_stands_for_one_person_throughout(drafts: list[tuple[StoryEvidence, ChainOfThought, Story]]) -> None:
    for _, chain, story in drafts:
        names = {row.name: row.entity_id for image in chain.images for row in image.characters}
        for block in story.blocks:
            for part in block.parts:
                if isinstance(part, Tag) and part.text.removesuffix("'s") in names:
                    assert part.ids == (names[part.text.removesuffix("'s")],)
                if isinstance(part, str):
                    assert not set(re.findall(r"[A-Z]\w+", part)) & set(names)


# variety -------------------------------------------------------------------------------------------------------------


def sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.!?])\s", text)


def check_variety(drafts: list[tuple[StoryEvidence, ChainOfThought, Story]]) -> None:
    """First sentences (with every name alike) and runs of four words do not come back too often."""
    firsts: Counter[str] = Counter()
    fours: Counter[tuple[str, ...]] = Counter()
    for _, chain, story in drafts:
        names = {row.name for image in chain.images for row in image.characters}
        first = sentences(text_of(story.blocks[0]))[0]
        firsts[" ".join("NAME" if word in names else word for word in re.findall(r"\w+", first))] += 1
        for block in story.blocks:
            found = re.findall(r"[\w']+", text_of(block).lower())
            fours.update(zip(found, found[1:], found[2:], found[3:], strict=False))
    assert len(firsts) / len(drafts) > 0.8
    assert firsts.most_common(1)[0][1] <= max(3, len(drafts) / 30)
    assert fours.most_common(1)[0][1] / sum(fours.values()) < 0.0025


def test_many_stories_do_not_read_alike(drafts: list[tuple[StoryEvidence, ChainOfThought, Story]]) -> None:
    check_variety(drafts)


@pytest.mark.slow
def test_two_hundred_stories_do_not_read_alike() -> None:
    films = [simulate(seed, crowd=seed % 10 == 9) for seed in range(200)]
    check_variety([(evidence, *compose(evidence, PARAMS)) for evidence in films])


def test_neighbouring_blocks_begin_differently(told: list[tuple[StoryEvidence, Story]]) -> None:
    openings = [[text_of(block).split()[:2] for block in story.blocks] for _, story in told]
    pairs = [(one, other) for story in openings for one, other in pairwise(story)]
    assert sum(one == other for one, other in pairs) / len(pairs) < 0.01


def test_blocks_are_neither_terse_nor_long(told: list[tuple[StoryEvidence, Story]]) -> None:
    lengths = sorted(len(text_of(block).split()) for _, story in told for block in story.blocks)
    assert lengths[-1] <= 95
    assert 35 <= lengths[len(lengths) // 2] <= 65
    assert lengths[len(lengths) // 20] >= 24
