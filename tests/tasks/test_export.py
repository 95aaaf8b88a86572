"""``export``: splits, files, and that the folder is replaced whole or not at all."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.arrow import GROUNDING, STORYREASONING
from schemas.config import ExportConfig
from schemas.errors import WorkspaceError
from tasks.assembly import latest_run
from tasks.export import (
    CONFIGS,
    SPLITS,
    Exported,
    SplitWriter,
    export_dataset,
    export_key,
    find_export,
    models_of,
    split_films,
)
from tasks.runtime.stage import RunSpec, ShardRef
from tests.e2e.building import digests, rows, temporaries

FILMS = st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=30)
PARAMS = st.builds(ExportConfig, test_ratio=st.floats(0, 0.99), split_seed=st.integers(0, 20))


@given(FILMS, FILMS, PARAMS)
def test_a_film_keeps_its_side_when_others_are_added(films: list[str], others: list[str], params: ExportConfig) -> None:
    before, after = split_films(films, params), split_films([*films, *others], params)
    # One film may move: the one that had to be for training as there was no other.
    moved = {film for film in films if before[film] != after[film]}
    if moved:
        assert len(moved) == 1
        assert list(before.values()).count("train") == 1
        assert all(before[film] == "train" and after[film] == "test" for film in moved)
        assert any(after[film] == "train" for film in others)


@given(FILMS, PARAMS)
def test_training_is_never_empty(films: list[str], params: ExportConfig) -> None:
    splits = split_films(films, params)
    assert set(splits) == set(films)
    assert set(splits.values()) <= set(SPLITS)
    assert not films or "train" in splits.values()
    assert split_films(films[::-1], params) == splits


def test_the_share_of_test_films_is_about_the_ratio() -> None:
    for ratio in (0.0, 0.15, 0.5):
        splits = split_films([f"film {n}" for n in range(4000)], ExportConfig(test_ratio=ratio))
        assert Counter(splits.values())["test"] / 4000 == pytest.approx(ratio, abs=0.03)
    assert split_films(["only"], ExportConfig(test_ratio=0.99)) == {"only": "train"}
    assert split_films([], ExportConfig()) == {}


def test_a_seed_draws_anew() -> None:
    films = [f"film {n}" for n in range(100)]
    drawn = {tuple(split_films(films, ExportConfig(test_ratio=0.5, split_seed=s)).values()) for s in range(5)}
    assert len(drawn) == 5


def story_row(number: int, image: bytes = b"") -> dict[str, Any]:
    """A row of the five columns."""
    return {
        "story_id": str(number),
        "images": [{"bytes": image, "path": "a.jpg"}],
        "frame_count": 1,
        "chain_of_thought": "...",
        "story": "...",
    }


def written(folder: Path) -> dict[str, list[str]]:
    """Story ids of each file."""
    return {p.name: pq.read_table(p).column("story_id").to_pylist() for p in sorted(folder.glob("*.parquet"))}


def test_files_are_named_as_the_hub_expects(tmp_path: Path) -> None:
    with SplitWriter(tmp_path, "default", "train", ExportConfig(shard_bytes=250, rows_per_group=1)) as writer:
        for number in range(5):
            writer.write(story_row(number, bytes(100)), 100)
    assert written(tmp_path / "default") == {
        "train-00000-of-00002.parquet": ["0", "1", "2"],
        "train-00001-of-00002.parquet": ["3", "4"],
    }


def test_a_split_without_stories_is_one_file_without_rows(tmp_path: Path) -> None:
    for config, schema in CONFIGS.items():
        with SplitWriter(tmp_path, config, "test", ExportConfig()):
            pass
        (path,) = (tmp_path / config).iterdir()
        assert path.name == "test-00000-of-00001.parquet"
        table = pq.read_table(path)
        assert table.num_rows == 0
        assert table.schema.metadata == schema.metadata


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_row_groups_are_bounded_in_rows(tmp_path: Path, limit: int) -> None:
    with SplitWriter(tmp_path, "default", "train", ExportConfig(rows_per_group=limit)) as writer:
        for number in range(7):
            writer.write(story_row(number), 0)
    (path,) = (tmp_path / "default").iterdir()
    meta = pq.read_metadata(path)
    assert [meta.row_group(i).num_rows for i in range(meta.num_row_groups)] == [
        min(limit, 7 - start) for start in range(0, 7, limit)
    ]


def test_row_groups_are_bounded_in_image_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.export.GROUP_BYTES", 1000)
    with SplitWriter(tmp_path, "default", "train", ExportConfig()) as writer:
        for number in range(6):
            writer.write(story_row(number, bytes(400)), 400)
    (path,) = (tmp_path / "default").iterdir()
    assert pq.read_metadata(path).num_row_groups == 2


def test_images_are_stored_as_they_are_and_texts_are_compressed(tmp_path: Path) -> None:
    with SplitWriter(tmp_path, "default", "train", ExportConfig()) as writer:
        writer.write(story_row(1, bytes(1000)), 1000)
    (path,) = (tmp_path / "default").iterdir()
    group = pq.read_metadata(path).row_group(0)
    found = {group.column(i).path_in_schema: group.column(i).compression for i in range(group.num_columns)}
    assert found.pop("images.list.element.bytes") == "UNCOMPRESSED"
    assert set(found.values()) == {"ZSTD"}
    assert group.column(0).has_offset_index, "a page index lets readers skip"


def test_a_failing_writer_closes_its_file(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), SplitWriter(tmp_path, "default", "train", ExportConfig()) as writer:
        writer.write(story_row(1), 0)
        raise ZeroDivisionError
    assert not list((tmp_path / "default").glob("*.parquet"))


def test_the_same_stories_are_the_same_bytes_when_they_are_exported_from_the_record(workspace: Path) -> None:
    before = {path: sha for path, sha in digests(workspace / "dataset").items() if path.endswith(".parquet")}
    export(workspace)
    assert {path: sha for path, sha in digests(workspace / "dataset").items() if path.endswith(".parquet")} == before


def no_card(folder: Path, counts: Mapping[str, int], splits: Mapping[str, str]) -> None:
    """A card that says nothing."""
    (folder / "README.md").write_text(f"{dict(counts)}")


def export(workspace: Path) -> tuple[RunSpec, list[ShardRef], Exported]:
    """Export what stands in a workspace anew."""
    run, refs, _ = latest_run(workspace)
    (workspace / "export.json").unlink(missing_ok=True)
    return run, refs, export_dataset(run, refs, no_card, "card 1")


def test_an_export_tells_what_it_made(workspace: Path) -> None:
    _, refs, exported = export(workspace)
    published = rows(workspace)
    assert sum(exported.rows.values()) == len(published)
    assert set(exported.films) == {ref.film for ref in refs}
    assert {row["story_key"]: row["story_id"] for row in published} == exported.story_ids
    assert {f.path: f.sha256 for f in exported.files} == digests(workspace / "dataset")
    assert (workspace / "dataset" / "README.md").read_text() == str(dict(exported.rows))
    assert list(exported.rows) == list(SPLITS)


def test_an_export_that_stands_is_found_and_not_made_again(workspace: Path) -> None:
    run, refs, first = export(workspace)

    def never(*_: object) -> None:
        raise AssertionError

    again = export_dataset(run, refs, never, "card 1")
    assert again == first
    assert list(again.rows) == list(first.rows)


def test_published_columns_are_those_of_the_schemas(workspace: Path) -> None:
    for config, schema in (("default", STORYREASONING), ("grounding", GROUNDING)):
        for path in (workspace / "dataset" / config).iterdir():
            assert pq.read_schema(path).names == schema.names


def test_ids_of_both_configs_agree(workspace: Path) -> None:
    assert [r["story_id"] for r in rows(workspace, "default")] == [r["story_id"] for r in rows(workspace)]


def test_the_dataset_names_its_models(workspace: Path) -> None:
    run, refs, _ = latest_run(workspace)
    ref = next(ref for ref in refs if ref.film == "heat")
    found = models_of(run, ref)
    assert {row["stage"] for row in found} == {"detect", "faces", "appearance", "reidentify"}
    for row in rows(workspace):
        if row["film"] == "heat":
            assert row["models"] == found


def test_the_key_is_of_the_stories_and_how_they_are_written(workspace: Path) -> None:
    run, refs, _ = latest_run(workspace)
    own = export_key(run, refs, "card 1")
    assert export_key(run, refs, "card 1") == own
    assert export_key(run, refs, "card 2") != own
    assert export_key(run, refs[1:], "card 1") != own
    assert export_key(replace(run, source="elsewhere"), refs, "card 1") == own
    other = run.config.model_copy(update={"export": ExportConfig(rows_per_group=3)})
    assert export_key(replace(run, config=other), refs, "card 1") != own
    changed = replace(refs[0], keys={**refs[0].keys, "ground": "0" * 32})
    assert export_key(run, [changed, *refs[1:]], "card 1") != own


def damage_size(workspace: Path) -> None:
    (workspace / "dataset" / "README.md").write_text("")


def damage_file(workspace: Path) -> None:
    next((workspace / "dataset" / "default").iterdir()).unlink()


def damage_key(workspace: Path) -> None:
    value = json.loads((workspace / "export.json").read_text())
    (workspace / "export.json").write_text(json.dumps(value | {"key": "x"}))


def damage_shape(workspace: Path) -> None:
    value = json.loads((workspace / "export.json").read_text())
    (workspace / "export.json").write_text(json.dumps(value | {"more": 1}))


@pytest.mark.parametrize("damage", [damage_size, damage_file, damage_key, damage_shape])
def test_an_export_that_is_not_whole_does_not_stand(workspace: Path, damage: Any) -> None:
    _, _, exported = export(workspace)
    assert find_export(workspace, exported.key) == exported
    damage(workspace)
    assert find_export(workspace, exported.key) is None


def test_a_failing_card_keeps_the_old_dataset(workspace: Path) -> None:
    run, refs, _ = latest_run(workspace)
    before = digests(workspace / "dataset")
    (workspace / "export.json").unlink()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(WorkspaceError, match="no space left while writing dataset"):
        export_dataset(run, refs, fail, "card 1")
    assert digests(workspace / "dataset") == before
    assert temporaries(workspace) == []
    assert not (workspace / "export.json").exists()
