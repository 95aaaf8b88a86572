"""``prepare``: the models of a build, checked before any work and loaded only when there is work for them.

In: the planned shards. Out: nothing. A wrong name or missing weights end the build before the first frame is read; a build in
which everything stands loads no model at all.
"""

from collections.abc import Sequence

from tasks.models.registry import check_models, prepare_models
from tasks.runtime.foresee import uses_models
from tasks.runtime.stage import RunSpec, ShardRef, find_stage


def prepare(run: RunSpec, refs: Sequence[ShardRef], stages: Sequence[str]) -> None:
    """Check the models of a configuration; fetch and load the production ones if any of these stages will use them.

    Raises:
        ConfigError: an unknown name, a missing extra or device, or a model that cannot do what is asked.
        ModelError: weights are missing and cannot be fetched, are not the pinned ones, or are damaged.
    """
    check_models(run.config)
    if uses_models([find_stage(name) for name in stages], run, refs):
        prepare_models(run.config)
