"""What a stage is, and the small values that pass between tasks. Light: importing it loads no Arrow."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from schemas.config import BuildConfig
from tasks.runtime.keys import content_key

if TYPE_CHECKING:
    import pyarrow as pa

    from tasks.runtime.store import ShardReader, ShardStore

Row = dict[str, Any]

Unit = Literal["frame", "story"]

MOST_WAITING = 16
"""Shards that may be at stages which wait, at most, whatever they wait for: each has a thread and its rows in memory."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of the result that accounts for ``items`` items of the input."""

    row: Row
    items: int = 1


@dataclass(frozen=True, slots=True)
class Rejected:
    """An item that goes no further: a short fixed ``reason`` that is counted, and a ``detail`` for a person.

    Of what a model wrote, ``faults`` are what is wrong with its last ``text``.
    """

    item: str
    reason: str
    detail: str = ""
    faults: tuple[str, ...] = ()
    text: str = ""


Outcome = Kept | Rejected


@dataclass(frozen=True, slots=True)
class ShardRef:
    """A shard on its way through the stages: small, frozen, the only thing that passes between tasks.

    ``keys`` maps each stage that is done to the key of its result; ``stories`` is how many it holds once that is known.
    """

    shard: str
    film: str
    frames: int
    limit: int | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    stories: int = 0


@dataclass(frozen=True, slots=True)
class RunSpec:
    """What every task of a run needs to know.

    ``workspace`` is a folder of this machine, and ``remote`` the URL that it is a copy of, if it is one. ``run_id`` names the
    run in the manifests of what it makes; ``code`` is the version of the code that began it, which every
    worker must have; empty for one that asks for none.
    """

    workspace: str
    source: str
    config: BuildConfig
    run_id: str = ""
    code: str = ""
    remote: str = ""

    @property
    def store(self) -> "ShardStore":
        """The shards of the workspace."""
        from tasks.runtime.store import ShardStore

        return ShardStore(Path(self.workspace) / "shards", self.remote)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a stage may read of a shard: the results of the stages that it names."""

    run: RunSpec
    ref: ShardRef
    readers: Mapping[str, "ShardReader"]

    def __getitem__(self, stage: str) -> "ShardReader":
        """Reader of an earlier stage's result."""
        return self.readers[stage]


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the pipeline.

    Attributes:
        name: of the stage, its task and its folder.
        version: raised whenever the same input would give another result; part of the key.
        unit: what is counted, in and out.
        schema: of the rows.
        inputs: stages whose results are read, the counted one first.
        section: the part of the configuration that the result depends on; empty for none.
        settings: what the result depends on, where that is not one whole section; then ``section`` is not looked at.
        run: gives the outcome of every item, in order.
        count: how many items go in; by default the rows of the first input.
        models: name and sha256 of the models in use; part of the key.
        leased: whether the stage needs the machine's models to itself.
        limited: whether the result depends on the shard's limit on stories.
        waits: how many shards keep busy what the stage waits for, where it waits for others more than it works; 0 where it
            works after all.
    """

    name: str
    version: int
    unit: Unit
    schema: "pa.Schema"
    inputs: tuple[str, ...]
    section: str
    run: Callable[[Inputs], Iterator[Outcome]]
    count: Callable[[Inputs], int] | None = None
    models: Callable[[BuildConfig], Mapping[str, str]] | None = None
    leased: bool = False
    limited: bool = False
    waits: Callable[[BuildConfig], int] | None = None
    settings: Callable[[BuildConfig, ShardRef], Mapping[str, Any]] | None = None

    def patience(self, config: BuildConfig) -> int:
        """How many shards may be at this stage at once, beside those that are worked on; 0 for a stage that works."""
        return min(self.waits(config), MOST_WAITING) if self.waits else 0

    def params(self, run: RunSpec, ref: ShardRef) -> dict[str, Any]:
        """The parameters that the result depends on, as JSON-like values."""
        values: dict[str, Any] = {}
        if self.settings:
            values = dict(self.settings(run.config, ref))
        elif self.section:
            values = getattr(run.config, self.section).model_dump(mode="json")
        return {**values, "limit_stories": ref.limit} if self.limited and ref.limit is not None else values

    def key(self, run: RunSpec, ref: ShardRef) -> str:
        """Content key of the shard at this stage."""
        return content_key(
            {
                "stage": self.name,
                "version": self.version,
                "params": self.params(run, ref),
                "models": dict(self.models(run.config)) if self.models else {},
                "inputs": {name: ref.keys[name] for name in self.inputs},
            }
        )


def find_stage(name: str) -> Stage:
    """The stage in ``tasks/<name>.py``; the module is imported now."""
    stage: Stage = import_module(f"tasks.{name}").STAGE
    return stage
