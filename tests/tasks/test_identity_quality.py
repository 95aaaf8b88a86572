"""What is known of how good identities are: kept beside them, told only of these, and measured on a fair part."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from schemas.config import ReidentifyConfig
from schemas.errors import WorkspaceError
from tasks import identity_quality
from tasks.dataset_card.identity import FilmScores, ThresholdScore
from tasks.identity.evaluate import evaluate, sweep
from tasks.identity.identify import identify
from tasks.identity_quality import FILE, film_scores, keep_scores, measure_quality, read_scores
from tasks.observations import load_shard
from tests.tasks.identity.films import TEST_CALIBRATION, random_film
from tests.tasks.identity.test_evaluate import labelled_views
from tests.tasks.report.films import Film, make_run

SCORES = FilmScores("harbour", 5, 4, 2, 2, 0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, (ThresholdScore(0.0, 1.0, 1.0, 2),))


def test_scores_are_told_of_the_very_identities(tmp_path: Path) -> None:
    run, refs, _ = make_run(tmp_path, [Film(), Film(name="quay")])
    assert read_scores(run, refs) == ()
    shards = [load_shard(run, ref) for ref in refs]
    assert keep_scores(tmp_path, {"harbour": (shards[:1], SCORES)}) == tmp_path / FILE
    assert read_scores(run, refs) == (SCORES,)
    keep_scores(tmp_path, {"quay": (shards[1:], replace(SCORES, film="quay"))})
    assert [one.film for one in read_scores(run, refs)] == ["harbour", "quay"]
    others = [replace(ref, keys={**ref.keys, "reidentify": "0" * 32}) for ref in refs]
    assert read_scores(run, others) == ()
    assert [one.film for one in read_scores(run, [others[0], refs[1]])] == ["quay"]
    assert read_scores(run, [*refs, replace(refs[0], shard="harbour-2")]) == (replace(SCORES, film="quay"),)
    assert [path.name for path in tmp_path.glob("reid*")] == [FILE]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"format": 1}',
        '{"format": 2, "films": {}}',
        '{"format": 1, "films": {"harbour": {}}}',
        "\udcff",
    ],
)
def test_damaged_scores_are_said(tmp_path: Path, content: str) -> None:
    run, refs, _ = make_run(tmp_path, [Film()])
    (tmp_path / FILE).write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(WorkspaceError, match="reid evaluate"):
        read_scores(run, refs)


def test_scores_of_another_shape_are_said(tmp_path: Path) -> None:
    run, refs, _ = make_run(tmp_path, [Film()])
    keep_scores(tmp_path, {"harbour": ([load_shard(run, refs[0])], SCORES)})
    value = json.loads((tmp_path / FILE).read_text())
    value["films"]["harbour"]["scores"]["f1"] = "high"
    (tmp_path / FILE).write_text(json.dumps(value))
    with pytest.raises(WorkspaceError, match="damaged"):
        read_scores(run, refs)


def test_every_score_finds_its_place() -> None:
    film = random_film(2, scenes=3, frames=3)
    config = ReidentifyConfig()
    views = labelled_views(film)
    found = evaluate(views, identify(film.observations, config, TEST_CALIBRATION))
    steps = sweep(views, [film.observations], config, TEST_CALIBRATION)
    told = film_scores("f", found, steps)
    assert (told.precision, told.recall, told.f1) == (found.bcubed.precision, found.bcubed.recall, found.bcubed.f1)
    assert (told.pairwise_f1, told.adjusted_rand) == (found.pairwise.f1, found.adjusted_rand)
    assert (told.idf1, told.ass_a, told.violations) == (found.tracks.idf1, found.tracks.ass_a, found.violations)
    assert (told.labelled, told.found) == (found.labelled, found.found)
    assert (told.people, told.entities) == (found.people, found.entities)
    assert [(one.threshold, one.recall, one.entities) for one in told.sweep] == [
        (step.threshold, step.bcubed.recall, step.entities) for step in steps
    ]


def test_signals_are_measured_on_as_many_shards_as_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, refs, _ = make_run(tmp_path, [Film(name=f"film {number}") for number in range(4)])
    everything = measure_quality(run, refs).signals
    assert everything is not None
    assert (everything.shards, everything.all_shards) == (4, 4)
    people = sum(one.kind == "char" for ref in refs for one in load_shard(run, ref).observations)
    assert everything.views == people > 0
    assert measure_quality(run, refs) == measure_quality(run, refs[::-1])
    monkeypatch.setattr(identity_quality, "MOST_VIEWS", people // 4 + 1)
    part = measure_quality(run, refs).signals
    assert part is not None
    assert (part.shards, part.views) == (2, people // 2)


def test_nobody_seen_is_no_signal(tmp_path: Path) -> None:
    run, refs, _ = make_run(tmp_path, [Film(stories=0)])
    assert measure_quality(run, refs).signals is None
    assert measure_quality(run, []).signals is None
