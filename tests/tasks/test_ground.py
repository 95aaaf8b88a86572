"""``ground``: what holds is kept with its links, and one fault is enough to be left out."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from schemas.config import GroundConfig
from tasks.assembly import latest_run
from tasks.ground import Draft, entities_by_frame, ground_shard
from tasks.runtime.stage import Kept, Rejected, Row

STRICT = GroundConfig(level="strict")


@pytest.fixture
def draft(finished: tuple[Path, Path]) -> Draft:
    """A draft as the composer wrote it, with what it must fit."""
    run, refs, _ = latest_run(finished[1])
    ref = next(ref for ref in refs if ref.film == "heat")

    def first(stage: str) -> Row:
        reader = run.store.read(stage, ref.shard, ref.keys[stage])
        try:
            return next(iter(reader))
        finally:
            reader.close()

    story, analysis = first("sequence"), first("draft_analysis")
    count = len(story["frame_ids"])
    sizes = [(160, 96)] * count
    return Draft(first("draft_story"), "heat", story["frame_ids"], sizes, entities_by_frame(analysis, count))


def outcome(draft: Draft, params: GroundConfig = STRICT) -> Kept | Rejected:
    """What becomes of one draft."""
    (found,) = ground_shard([draft], params)
    return found


def altered(draft: Draft, name: str, change: Callable[[str], str]) -> Draft:
    """A draft with a changed text."""
    text = change(draft.row[name])
    assert text != draft.row[name]
    return replace(draft, row={**draft.row, name: text})


def test_a_sound_draft_is_kept_as_it_is(draft: Draft) -> None:
    found = outcome(draft)
    assert isinstance(found, Kept)
    assert found.row["story"] == draft.row["story"]
    assert found.row["chain_of_thought"] == draft.row["chain_of_thought"]
    assert found.row["frame_ids"] == list(draft.frame_ids)


def test_every_tag_is_a_link_that_says_where_it_stands(draft: Draft) -> None:
    found = outcome(draft)
    assert isinstance(found, Kept)
    story = draft.row["story"]
    tags = list(re.finditer(r"<(gdo|gda|gdl) ([^>]+)>(.*?)</\1>", story))
    assert tags
    assert [
        (link["start"], link["end"], link["kind"], " ".join(link["ids"]), link["text"]) for link in found.row["links"]
    ] == [(tag.start(), tag.end(), tag[1], tag[2], tag[3]) for tag in tags]
    block_at = [(m.start(), int(m[1])) for m in re.finditer(r"<gdi image(\d+)>", story)]
    for link in found.row["links"]:
        assert link["frame"] == max(number for start, number in block_at if start < link["start"])


DAMAGES: dict[str, tuple[str, Callable[[str], str], str]] = {
    "an id of nobody": ("story", lambda s: s.replace("char1>", "char77>", 1), "invalid (id-unknown)"),
    "a tag that is not closed": ("story", lambda s: s.replace("</gdo>", "", 1), "invalid ("),
    "a block that is missing": ("story", lambda s: s[: s.rindex("<gdi ")], "invalid (block-missing)"),
    "a block too many": ("story", lambda s: s + "\n<gdi image99>\nMore.\n</gdi>", "invalid (block-unknown)"),
    "text outside the blocks": ("story", lambda s: "Once upon a time\n" + s, "invalid ("),
    "a phase that is missing": (
        "chain_of_thought",
        lambda s: re.sub(r"\| Turning Point \|[^\n]*\n", "", s),
        "invalid (phase-missing)",
    ),
    "a box outside its frame": (
        "chain_of_thought",
        lambda s: re.sub(r"\d+,\d+,\d+,\d+", "0,0,161,96", s, count=1),
        "invalid (box-outside)",
    ),
    "a box without area": (
        "chain_of_thought",
        lambda s: re.sub(r"\d+,\d+,\d+,\d+", "5,5,5,9", s, count=1),
        "invalid (box-empty)",
    ),
    "a table that is missing": ("chain_of_thought", lambda s: s.replace("### Setting", "### Sitting", 1), "invalid ("),
    "nothing at all": ("story", lambda s: "", "invalid (block-missing)"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_one_fault_is_enough(draft: Draft, damage: str) -> None:
    name, change, reason = DAMAGES[damage]
    found = outcome(altered(draft, name, change))
    assert isinstance(found, Rejected)
    assert found.reason.startswith(reason)
    assert found.item == draft.row["story_key"]
    assert re.match(r"\d+ faults: ", found.detail)


def test_an_entity_that_was_not_seen_in_its_frame(draft: Draft) -> None:
    blind = replace(draft, entities=[frozenset(), *draft.entities[1:]])
    found = outcome(blind)
    assert isinstance(found, Rejected)
    assert found.reason == "unseen entity"
    assert "not found in its frame: image 1: char" in found.detail


def test_a_frame_too_few(draft: Draft) -> None:
    short = replace(draft, frame_ids=draft.frame_ids[:-1], sizes=draft.sizes[:-1], entities=draft.entities[:-1])
    assert isinstance(outcome(short), Rejected)


def test_the_looser_level_keeps_what_readers_can_live_with(draft: Draft) -> None:
    tampered = altered(draft, "chain_of_thought", lambda s: re.sub(r"\d+,\d+,\d+,\d+", "0,0,161,96", s, count=1))
    assert isinstance(outcome(tampered), Rejected)
    assert isinstance(outcome(tampered, GroundConfig(level="compatible")), Kept)


def test_drafts_come_out_in_order(draft: Draft) -> None:
    bad = altered(draft, "story", lambda s: "")
    assert [type(o) for o in ground_shard([draft, bad, draft], STRICT)] == [Kept, Rejected, Kept]


def test_entities_by_frame_by_hand() -> None:
    analysis = {
        "entities": [
            {"entity_id": "char1", "members": [{"frame": 1}, {"frame": 3}]},
            {"entity_id": "obj1", "members": [{"frame": 3}]},
        ]
    }
    assert entities_by_frame(analysis, 3) == [{"char1"}, set(), {"char1", "obj1"}]
