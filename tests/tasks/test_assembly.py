"""Finished stories put together, their ids, and the record of the last build."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ShardError, WorkspaceError
from tasks.assembly import assemble_shard, assign_story_ids, latest_run
from tests.e2e.building import rows

KEY = st.text("0123456789abcdef", min_size=32, max_size=32)
CLOSE = st.builds(lambda head, tail: f"{head:010x}{tail:022x}", st.integers(0, 3), st.integers(0, 50))
"""Keys that agree in their first 40 bits more often than not."""


@given(st.lists(KEY | CLOSE, unique=True, max_size=30), st.randoms(use_true_random=False))
def test_ids_are_unique_and_do_not_depend_on_the_order(keys: list[str], rng: random.Random) -> None:
    ids = assign_story_ids(keys)
    assert set(ids) == set(keys)
    assert len(set(ids.values())) == len(keys)
    assert all(value.isdigit() and len(value) <= 13 and str(int(value)) == value for value in ids.values())
    mixed = keys[:]
    rng.shuffle(mixed)
    assert assign_story_ids(mixed) == ids


def test_an_id_is_the_first_40_bits_of_the_key() -> None:
    assert assign_story_ids(["00000000ff" + "0" * 22]) == {"00000000ff" + "0" * 22: "255"}
    assert assign_story_ids(["f" * 32]) == {"f" * 32: str(2**40 - 1)}


@given(st.lists(KEY, unique=True, max_size=20), KEY)
def test_a_new_story_changes_no_other_id_unless_40_bits_agree(keys: list[str], new: str) -> None:
    if new[:10] not in {key[:10] for key in keys}:
        before, after = assign_story_ids(keys), assign_story_ids([*keys, new])
        clash = {int(key[:10], 16) for key in keys} & {int(new[:10], 16)}
        if not clash and len({key[:10] for key in keys}) == len(keys):
            assert {key: after[key] for key in keys} == before


def test_stories_are_whole_and_in_order(finished: tuple[Path, Path]) -> None:
    run, refs, record = latest_run(finished[1])
    published = {row["story_key"]: row for row in rows(finished[1])}
    for ref in refs:
        told = list(assemble_shard(run, ref))
        keys = [row["story_key"] for row in run.store.read("ground", ref.shard, ref.keys["ground"])]
        assert [story.key for story in told] == keys
        for story in told:
            row = published[story.key]
            assert story.film == row["film"] == ref.film
            assert [f["frame_id"] for f in story.frames] == [f["frame_id"] for f in row["frames"]]
            assert [p["frame_id"] for p in story.people] == [f["frame_id"] for f in row["frames"]]
            assert story.evidence.story_key == story.key == story.analysis["story_key"] == story.draft["story_key"]
            assert all(f["image"] == (finished[0] / f["source"]).read_bytes() for f in story.frames)
    assert sum(ref.frames for ref in refs) == sum(stage["items_in"] for stage in record["stages"][:1])


def test_without_images_nothing_else_is_missing(finished: tuple[Path, Path]) -> None:
    run, refs, _ = latest_run(finished[1])
    for ref in refs:
        for whole, light in zip(assemble_shard(run, ref), assemble_shard(run, ref, images=False), strict=True):
            assert light.key == whole.key
            assert all("image" not in frame for frame in light.frames)
            assert [{k: v for k, v in f.items() if k != "image"} for f in whole.frames] == list(light.frames)


def test_a_shard_that_is_gone_is_said(workspace: Path) -> None:
    run, refs, _ = latest_run(workspace)
    ref = next(ref for ref in refs if ref.film == "heat")
    run.store.path("appearance", ref.shard, ref.keys["appearance"]).unlink()
    with pytest.raises(ShardError, match=f"shard {ref.shard} of appearance is damaged"):
        list(assemble_shard(run, ref))


def test_the_last_build_is_read_as_it_was(finished: tuple[Path, Path]) -> None:
    run, refs, record = latest_run(finished[1])
    assert run.workspace == str(finished[1])
    assert run.source == str(finished[0])
    assert run.config.model_dump(mode="json") == record["config"]
    for ref in refs:
        for stage, key in ref.keys.items():
            assert run.store.find(stage, ref.shard, key) is not None


@pytest.mark.parametrize("content", [b"", b"{", b"null", b"[]", b"{}", b"5", b'"x"', b"\xff\xfe"])
def test_a_damaged_record_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "latest.json").write_bytes(content)
    with pytest.raises(WorkspaceError, match=r"latest\.json is damaged .*: run 'storyreasoning build' again"):
        latest_run(tmp_path)


def test_a_record_of_an_unknown_configuration_is_said(workspace: Path) -> None:
    record = json.loads((workspace / "latest.json").read_text())
    record["config"]["detect"]["novelty"] = 1
    (workspace / "latest.json").write_text(json.dumps(record))
    with pytest.raises(WorkspaceError, match="is damaged"):
        latest_run(workspace)


def test_no_finished_build(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="holds no finished build: run 'storyreasoning build --workspace"):
        latest_run(tmp_path)
