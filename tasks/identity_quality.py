"""How good the identities of a build are, for whoever publishes them: by signals that need no labels, and against labels.

``storyreasoning reid evaluate --labels`` leaves its scores in the workspace as ``reid_evaluation.json``. Those of a film count
only as long as its identities are the very ones that were scored: the content keys of its shards must be the same.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from schemas.errors import WorkspaceError
from tasks.dataset_card.identity import FilmScores, IdentityQuality, IdentitySignals, ThresholdScore
from tasks.identity.calibration import load_calibration
from tasks.identity.evaluate import Evaluation, Step
from tasks.identity.observation import Observation
from tasks.identity.signals import BANDS, SHARES, signals
from tasks.observations import ShardViews, load_shard
from tasks.reidentify import STAGE
from tasks.runtime.atomic import write_json
from tasks.runtime.keys import content_key
from tasks.runtime.stage import RunSpec, ShardRef

FILE = "reid_evaluation.json"
FORMAT = 1
"""Version of its layout."""

MOST_VIEWS = 2_000
"""Views of people from which no further shard is looked at for signals: a build's end must not grow with the dataset."""

ROUNDS = 5
_SCORES = TypeAdapter(FilmScores)


def film_scores(film: str, evaluation: Evaluation, sweep: Sequence[Step]) -> FilmScores:
    """What is told of an evaluation."""
    return FilmScores(
        film=film,
        labelled=evaluation.labelled,
        found=evaluation.found,
        people=evaluation.people,
        entities=evaluation.entities,
        violations=evaluation.violations,
        precision=evaluation.bcubed.precision,
        recall=evaluation.bcubed.recall,
        f1=evaluation.bcubed.f1,
        pairwise_f1=evaluation.pairwise.f1,
        adjusted_rand=evaluation.adjusted_rand,
        idf1=evaluation.tracks.idf1,
        ass_a=evaluation.tracks.ass_a,
        sweep=tuple(
            ThresholdScore(step.threshold, step.bcubed.precision, step.bcubed.recall, step.entities) for step in sweep
        ),
    )


def keep_scores(workspace: Path, scored: Mapping[str, tuple[Sequence[ShardViews], FilmScores]]) -> Path:
    """Leave the scores of films in a workspace, beside those of other films that are there.

    Args:
        workspace: the workspace's folder.
        scored: for each film its shards, with the keys of what was scored, and its scores.

    Returns:
        The file.

    Raises:
        WorkspaceError: it cannot be written, or one that is there cannot be read.
    """
    films = _read(workspace / FILE)
    for film, (shards, scores) in scored.items():
        films[film] = {
            "identities": {shard.shard: shard.key for shard in shards},
            "scores": _SCORES.dump_python(scores, mode="json"),
        }
    write_json(workspace / FILE, {"format": FORMAT, "films": films})
    return workspace / FILE


def read_scores(run: RunSpec, refs: Sequence[ShardRef]) -> tuple[FilmScores, ...]:
    """The scores of the films of a run whose identities are those that were scored, in the order of the run.

    Raises:
        WorkspaceError: the file is there and cannot be read.
    """
    films = _read(Path(run.workspace) / FILE)
    identities: dict[str, dict[str, str]] = {}
    for ref in refs:
        identities.setdefault(ref.film, {})[ref.shard] = ref.keys[STAGE.name]
    try:
        return tuple(
            _SCORES.validate_python(films[film]["scores"])
            for film, keys in identities.items()
            if film in films and films[film]["identities"] == keys
        )
    except (KeyError, TypeError, ValidationError) as error:
        raise _damaged(Path(run.workspace) / FILE) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if value["format"] != FORMAT:
            raise WorkspaceError(
                f"{path} has format {value['format']}, not {FORMAT}: run 'storyreasoning reid evaluate' again"
            )
        return dict(value["films"])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> WorkspaceError:
    return WorkspaceError(f"{path} is damaged: remove it and run 'storyreasoning reid evaluate --labels' again")


def measure_quality(run: RunSpec, refs: Sequence[ShardRef]) -> IdentityQuality:
    """Signals and scores of a run; the same run gives the same values.

    Raises:
        ShardError: a shard cannot be read.
        WorkspaceError: scores are there and cannot be read.
    """
    params = run.config.reidentify
    chosen: list[Sequence[Observation]] = []
    views = 0
    # In an order that has nothing to do with what films hold, so that the first of many are a fair sample.
    for ref in sorted(refs, key=lambda ref: content_key(ref.shard)):
        if views >= MOST_VIEWS:
            break
        observations = load_shard(run, ref).observations
        views += sum(one.kind == "char" for one in observations)
        chosen.append(observations)
    if not views:
        return IdentityQuality(None, read_scores(run, refs))
    told = signals(chosen, params, load_calibration(params.calibration), ROUNDS)
    measured = IdentitySignals(
        views=told.views,
        people=told.entities,
        margins=tuple(zip(SHARES, told.margins, strict=True)),
        doubtful=tuple(zip(BANDS, told.doubtful, strict=True)),
        stability=told.stability,
        shards=len(chosen),
        all_shards=len(refs),
    )
    return IdentityQuality(measured, read_scores(run, refs))
