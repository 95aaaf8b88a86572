"""What a build would do in a workspace and why, and what the last one did.

In: a workspace, read only. Out: an :class:`~tasks.runtime.explain.Explanation`. The plan of a build to come is made in a folder
of its own, so that asking changes nothing.
"""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from schemas.config import BuildConfig
from schemas.errors import ConfigError, WorkspaceError
from tasks.plan import plan
from tasks.runtime.explain import Explanation, explain_last, explain_next
from tasks.runtime.mirror import origin_of
from tasks.runtime.record import read_record
from tasks.runtime.stage import RunSpec, find_stage
from tasks.runtime.store import ShardStore
from tasks.runtime.workspace import open_workspace


def explain_finished(workspace: Path) -> Explanation:
    """What the last build of a workspace made, and why.

    Raises:
        WorkspaceError: there is no workspace, or no build in it came to an end.
    """
    place = open_workspace(workspace)
    record = read_record(workspace / "latest.json")
    if record is None:
        raise WorkspaceError(f"{workspace} holds no finished build: ask with --next what a build would do")
    previous = read_record(place.runs / f"{record['previous']}.json") if record.get("previous") else None
    return explain_last(ShardStore(place.shards, origin_of(workspace)), record, previous)


def explain_planned(
    workspace: Path, stages: Sequence[str], source: str | None, config: BuildConfig | None
) -> Explanation:
    """What a build of a workspace would make now, and why; nothing in it is touched.

    Args:
        workspace: the workspace.
        stages: names of all stages in order.
        source: where the frames are; None takes those of the last build.
        config: the configuration; None takes that of the last build.

    Raises:
        ConfigError: neither the last build nor the caller says where the frames are.
        StoryReasoningError: no workspace, no source, or a model that there is not.
    """
    open_workspace(workspace)
    last = read_record(workspace / "latest.json")
    if source is None and last is None:
        raise ConfigError(f"{workspace} holds no finished build: name the frames with --source")
    chosen = source if source is not None else str((last or {})["source"])
    if config is None:
        config = BuildConfig.model_validate(last["config"]) if last else BuildConfig()
    run = RunSpec(str(workspace), chosen, config, remote=origin_of(workspace))
    with tempfile.TemporaryDirectory() as scratch:
        for index in workspace.glob("source_index*"):  # hashes of frames that have not changed since
            shutil.copy(index, scratch)
        aside = replace(run, workspace=scratch, remote="")
        refs = plan(aside)
        return explain_next(
            [find_stage(name) for name in stages], run, refs, ShardStore(Path(scratch) / "shards"), last
        )
