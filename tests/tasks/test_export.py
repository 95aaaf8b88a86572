"""``export``: files, and that the folder is replaced whole or not at all."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from schemas.arrow import GROUNDING, STORYREASONING
from schemas.config import ExportConfig
from schemas.errors import WorkspaceError
from tasks.assembly import latest_run
from tasks.export import Exported, Written, export_dataset, export_key, find_export
from tasks.exporting.rows import models_of
from tasks.exporting.splits import SPLITS
from tasks.runtime.stage import RunSpec, ShardRef
from tests.e2e.building import digests, rows, temporaries


def test_the_same_stories_are_the_same_bytes_when_they_are_exported_from_the_record(workspace: Path) -> None:
    before = {path: sha for path, sha in digests(workspace / "dataset").items() if path.endswith(".parquet")}
    export(workspace)
    assert {path: sha for path, sha in digests(workspace / "dataset").items() if path.endswith(".parquet")} == before


def no_card(written: Written) -> None:
    """A card that says nothing."""
    (written.folder / "README.md").write_text(f"{dict(written.rows)}")


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
