"""Which shards a build would make: keys follow from keys, so nothing has to run to know them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tasks.runtime.stage import RunSpec, ShardRef, Stage
from tasks.runtime.store import Manifest


@dataclass(frozen=True, slots=True)
class Step:
    """A shard at a stage: the key of its result, and the manifest under which that stands; None where it has to be made.

    ``ref`` is the shard as the stage is given it.
    """

    stage: Stage
    ref: ShardRef
    key: str
    standing: Manifest | None


def foresee(stages: Sequence[Stage], run: RunSpec, ref: ShardRef) -> Iterator[Step]:
    """The way of a planned shard through the stages.

    Raises:
        StoryReasoningError: the configuration names a model or a file that there is not.
    """
    for stage in stages:
        key = stage.key(run, ref)
        yield Step(stage, ref, key, run.store.find(stage.name, ref.shard, key))
        ref = replace(ref, keys={**ref.keys, stage.name: key})


def uses_models(stages: Sequence[Stage], run: RunSpec, refs: Sequence[ShardRef]) -> bool:
    """Whether a stage that needs models has anything to make; stops at the first such shard."""
    return any(step.stage.leased and step.standing is None for ref in refs for step in foresee(stages, run, ref))
