"""The version of the code: the same for the same files, another for any change of them."""

from dataclasses import replace
from pathlib import Path

import pytest

from schemas.errors import WorkspaceError
from tasks.runtime.code import code_version, source_digest
from tasks.runtime.execute import execute
from tasks.runtime.stage import ShardRef
from tests.tasks.runtime.shards import source_stage, spec


def tree(root: Path) -> Path:
    for name in ("schemas/a.py", "tasks/b.py", "tasks/deep/c.txt", "cli/d.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def test_the_digest_changes_with_names_and_contents(tmp_path: Path) -> None:
    first = source_digest(tree(tmp_path / "one"))
    assert source_digest(tree(tmp_path / "two")) == first
    (tmp_path / "two" / "tasks" / "deep" / "c.txt").write_text("another prompt")
    changed = source_digest(tmp_path / "two")
    assert changed != first
    (tmp_path / "one" / "tasks" / "b.py").rename(tmp_path / "one" / "tasks" / "e.py")
    assert source_digest(tmp_path / "one") not in (first, changed)


def test_what_no_stage_is_made_of_does_not_count(tmp_path: Path) -> None:
    first = source_digest(tree(tmp_path))
    (tmp_path / "cli" / "d.py").write_text("other")
    (tmp_path / "tasks" / "__pycache__").mkdir()
    (tmp_path / "tasks" / "__pycache__" / "b.pyc").write_bytes(b"compiled")
    assert source_digest(tmp_path) == first


def test_a_worker_of_another_version_is_refused(tmp_path: Path) -> None:
    run = spec(tmp_path)
    execute(source_stage(["f1"]), replace(run, code=code_version()), ShardRef("a", "film", 1))
    told = (
        rf"this worker runs storyreasoning {code_version().replace('+', '.')} and the build 9\.9\+0: install the same"
    )
    with pytest.raises(WorkspaceError, match=told):
        execute(source_stage(["f1"]), replace(run, code="9.9+0"), ShardRef("b", "film", 1))
    assert not (run.store.root / "origin" / "b").exists()
