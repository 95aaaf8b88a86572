"""``storyreasoning reid``, on the sample film with the models that ship, and wrong use."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cli.build import SAMPLE_FILM, build
from cli.main import main
from schemas.config import BuildConfig, ReidentifyConfig, SelectConfig, SequenceConfig
from tasks.assembly import latest_run
from tasks.identity.calibration import Calibration, load_calibration
from tasks.identity.identify import identify
from tasks.identity.numbering import number_entities
from tasks.observations import load_observations
from tasks.runtime.workspace import open_workspace

LABELS = Path(__file__).parents[1] / "tasks" / "identity" / "sample_film.json"
SHARED = Path(__file__).parents[2] / "../shared/data"


@dataclass(frozen=True)
class Ran:
    """Exit code and what was printed."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> Any:
        """The output as JSON."""
        return json.loads(self.out)


Reid = Callable[..., Ran]


@pytest.fixture
def reid(capsys: pytest.CaptureFixture[str]) -> Reid:
    """Runs ``storyreasoning reid`` in this process."""

    def call(*arguments: object) -> Ran:
        capsys.readouterr()
        code = main(["reid", *(str(one) for one in arguments)])
        told = capsys.readouterr()
        return Ran(code, told.out, told.err)

    return call


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the three sample films, every frame kept."""
    place = tmp_path_factory.mktemp("reid") / "sample"
    build_sample(place)
    return place


def build_sample(place: Path, **reidentify: Any) -> None:
    """The workspace of the sample films, or what becomes of it with other settings of identity."""
    config = BuildConfig(
        select=SelectConfig(duplicate_bits=-1),
        sequence=SequenceConfig(min_frames=3, max_frames=22, target_frames=10),
        reidentify=ReidentifyConfig(**reidentify),
    )
    build(str(SAMPLE_FILM), str(place), config, "plain", "embedded", None, 1)


def test_the_sample_films_are_grouped_right(reid: Reid, sample: Path) -> None:
    ran = reid("evaluate", sample, "--labels", LABELS, "--json")
    assert ran.code == 0
    assert ran.told["calibration"] == "embedded-v2"
    films = {film["film"]: film for film in ran.told["films"]}
    assert set(films) == {"bicycle", "saloon", "tennis"}
    for film in films.values():
        scores = film["evaluation"]
        assert scores["found"] == scores["labelled"]
        assert scores["violations"] == 0
        assert scores["bcubed"]["f1"] >= 0.94
        assert len(film["sweep"]) > 5
    assert sum(film["evaluation"]["found"] for film in films.values()) == 43


def test_text_says_the_same_as_json(reid: Reid, sample: Path) -> None:
    told = reid("evaluate", sample, "--labels", LABELS, "--json").told["films"]
    text = reid("evaluate", sample, "--labels", LABELS).out
    for film in told:
        assert f"{film['film']}: {film['signals']['views']} views of {film['signals']['entities']} people" in text
        assert f"F1 {film['evaluation']['bcubed']['f1']:.4f}" in text
        assert f"IDF1 {film['evaluation']['tracks']['idf1']:.4f}" in text


def test_without_labels_there_are_signals(reid: Reid, sample: Path) -> None:
    ran = reid("evaluate", sample, "--json")
    assert ran.code == 0
    for film in ran.told["films"]:
        assert film["evaluation"] is None
        assert film["sweep"] == []
        assert film["signals"]["stability"] > 0.9
    text = reid("evaluate", sample).out
    assert "stability" in text
    assert "B-cubed  " not in text


def test_observations_are_those_of_the_build(sample: Path) -> None:
    config, shards = load_observations(open_workspace(sample))
    assert {shard.film for shard in shards} == {"bicycle", "saloon", "tennis"}
    for shard in shards:
        assert len(shard.frame_ids) == len(shard.sources)
        assert len(shard.observations) == len(shard.faces)
        assert {one.frame for one in shard.observations} <= set(range(len(shard.frame_ids)))
        for one, face in zip(shard.observations, shard.faces, strict=True):
            assert (face is None) == (one.face is None)
            assert face is None or face.intersection(one.box) > 0.5 * face.area
    assert config.select.duplicate_bits == -1


def test_what_is_scored_is_what_was_built(sample: Path) -> None:
    """Evaluation groups the observations again: it has to find the very entities that stand in the workspace."""
    config, shards = load_observations(open_workspace(sample))
    run, refs, _ = latest_run(sample)
    calibration = load_calibration(config.reidentify.calibration)
    for shard, ref in zip(shards, refs, strict=True):
        found = identify(shard.observations, config.reidentify, calibration)
        names = number_entities(shard.observations, found)
        again = {
            (shard.frame_ids[one.frame], one.det_id): (name, np.float32(confidence))
            for one, name, confidence, repeat in zip(
                shard.observations, names, found.confidence, found.repeat_of, strict=True
            )
            if repeat is None
        }
        frames = {
            row["story_key"]: row["frame_ids"] for row in run.store.read("sequence", ref.shard, ref.keys["sequence"])
        }
        stored = {
            (frames[row["story_key"]][member["frame"] - 1], member["det_id"]): (
                entity["gallery_id"],
                np.float32(member["confidence"]),
            )
            for row in run.store.read("reidentify", ref.shard, ref.keys["reidentify"])
            for entity in row["entities"]
            for member in entity["members"]
        }
        assert again == stored


def test_scores_reach_the_card_while_the_identities_are_the_same(
    reid: Reid, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Built, scored, built: the card has the scores. Built with another threshold: it has not, and signals stay."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(sample, "w", ignore=shutil.ignore_patterns("reid_evaluation.json"))

    def card(threshold: float = 0.0) -> str:
        build_sample(tmp_path / "w", threshold=threshold)
        return (tmp_path / "w" / "dataset" / "README.md").read_text()

    heading = "### Identity against labels"
    before = card()
    assert heading not in before
    assert "stability: mean B-cubed F1" in before
    ran = reid("evaluate", "w", "--labels", LABELS)
    assert ran.out.endswith("kept in w/reid_evaluation.json; the next build tells it in the dataset card\n")
    scored = card()
    assert heading in scored
    films = {
        film["film"]: film["evaluation"] for film in reid("evaluate", "w", "--labels", LABELS, "--json").told["films"]
    }
    for film, scores in films.items():
        row = next(line for line in scored.split(heading)[1].splitlines() if line.startswith(f"| {film} "))
        assert f"| {scores['bcubed']['f1']:.4f} | {scores['pairwise']['f1']:.4f} |" in row
    assert card(threshold=3.0).count(heading) == 0
    assert card() == scored


def test_looks_are_fitted_on_films_without_labels(
    reid: Reid, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The faces of the sample films settle few pairs; with fewer asked for they are fitted, with the usual ten they are not."""
    out = tmp_path / "mine-v1.json"
    refused = reid("calibrate", "mine-v1", "--films", sample, "--out", out)
    assert refused.code == 2
    assert "too few people whom faces settle" in refused.err
    assert not out.exists()
    monkeypatch.setattr("tasks.identity.pair_samples.FEWEST_PAIRS", 2)
    ran = reid("calibrate", "mine-v1", "--films", sample, "--out", out)
    assert ran.code == 0
    assert str(out) in ran.out
    fitted, start = Calibration.model_validate_json(out.read_text()), load_calibration("embedded-v2")
    assert fitted.name == "mine-v1"
    assert fitted.kinds["char"].face == start.kinds["char"].face
    assert fitted.kinds["char"].appearance_scene != start.kinds["char"].appearance_scene
    assert fitted.kinds["obj"] == start.kinds["obj"]
    assert fitted.provenance["looks"] == {
        "films": 3,
        "settled_by": "faces",
        "tested_on": [],
        "fitted": ["appearance_scene"],
    }


def test_labelled_films_fit_what_they_can(reid: Reid, sample: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine-v2.json"
    assert reid("calibrate", "mine-v2", "--films", sample, "--labels", LABELS, "--out", out).code == 0
    fitted, start = Calibration.model_validate_json(out.read_text()), load_calibration("embedded-v2")
    told = fitted.provenance["looks"]
    assert (told["films"], told["settled_by"], told["views_fitted"] + told["views_tested"]) == (3, "labels", 43)
    assert told["fitted_on"]
    assert told["tested_on"]
    assert set(told["fitted_on"]).isdisjoint(told["tested_on"])
    assert {"face", "appearance_scene"} <= set(told["fitted"])
    assert told["test_bcubed_f1"] >= 0.9
    assert fitted.kinds["char"].appearance_scene != start.kinds["char"].appearance_scene


def test_a_calibration_is_used_by_its_path_and_never_written_over(
    reid: Reid, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert reid("calibrate", "mine-v1", "--films", sample, "--labels", LABELS).code == 0
    written = (tmp_path / "mine-v1.json").read_bytes()
    again = reid("calibrate", "mine-v1", "--films", sample, "--labels", LABELS)
    assert (again.code, again.out) == (2, "")
    assert "mine-v1.json is there already" in again.err
    assert (tmp_path / "mine-v1.json").read_bytes() == written
    shutil.copytree(sample, "w")
    build_sample(tmp_path / "w", calibration="mine-v1.json")
    ran = reid("evaluate", "w", "--labels", LABELS, "--json")
    assert ran.told["calibration"] == "mine-v1"


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "orl_faces").is_dir(), reason="the portraits are not beside the project")
def test_portraits_of_other_people_are_grouped_right(reid: Reid, tmp_path: Path) -> None:
    """Threshold and curve fitted on 20 people, tested on the other 20."""
    out = tmp_path / "faces-v1.json"
    assert reid("calibrate", "faces-v1", "--portraits", SHARED / "orl_faces", "--out", out).code == 0
    told = Calibration.model_validate_json(out.read_text()).provenance["faces"]
    assert set(told["fitted_on"]).isdisjoint(told["tested_on"])
    assert len(told["tested_on"]) == 20
    assert told["test_bcubed_f1_at_fitted_threshold"] >= 0.97


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "office_film").is_dir(), reason="the labelled film is not beside the project")
def test_labelled_frames_of_a_real_film(reid: Reid, tmp_path: Path) -> None:
    config = BuildConfig(select=SelectConfig(duplicate_bits=-1))
    build(str(SHARED / "office_film" / "frames"), str(tmp_path / "w"), config, "plain", "embedded", None, 1)
    ran = reid("evaluate", tmp_path / "w", "--labels", SHARED / "office_film" / "labels.json", "--json")
    scores = ran.told["films"][0]["evaluation"]
    assert (scores["labelled"], scores["found"], scores["violations"]) == (78, 78, 0)
    assert scores["bcubed"]["f1"] >= 0.985


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["evaluate", "{tmp}/none"], 1, "none"),
        (["evaluate", "{sample}", "--labels", "{tmp}/none.json"], 2, "none.json cannot be read"),
        (["evaluate", "{sample}", "--labels", "{tmp}/broken.json"], 2, "labels are not JSON"),
        (["evaluate", "{sample}", "--labels", "{tmp}/other.json"], 2, "are these its frames?"),
        (["evaluate", "{tmp}/scored", "--labels", "{labels}"], 1, "is damaged: remove it"),
        (["calibrate", "x"], 2, "ends in a version, such as films-v1"),
        (["calibrate", "../x-v1"], 2, "ends in a version, such as films-v1"),
        (["calibrate", "x-v1"], 2, "give --portraits, --films, or both"),
        (["calibrate", "x-v1", "--out", "{tmp}"], 2, "is there already"),
        (["calibrate", "x-v1", "--labels", "{tmp}/other.json"], 2, "--labels needs the --films"),
        (["calibrate", "x-v1", "--films", "{sample}", "--labels", "{tmp}/other.json"], 2, "are these its frames?"),
        (["calibrate", "x-v1", "--films", "{sample}", "--start", "nowhere"], 2, "no calibration 'nowhere'"),
        (
            ["calibrate", "x-v1", "--films", "{sample}", "--labels", "{labels}", "--out", "{tmp}/no/x.json"],
            1,
            "cannot write",
        ),
        (["calibrate", "x-v1", "--portraits", "{tmp}/none"], 2, "not a folder that can be read"),
        (["calibrate", "x-v1", "--portraits", "{tmp}/few"], 2, "2 people; at least 4"),
        (["calibrate", "x-v1", "--portraits", "{tmp}/grey"], 2, "too few faces were found"),
        (["calibrate", "x-v1", "--portraits", "{tmp}/broken"], 2, "cannot be read"),
    ],
)
def test_wrong_use_is_one_line(
    reid: Reid, sample: Path, tmp_path: Path, arguments: list[str], code: int, reason: str
) -> None:
    shutil.copytree(sample, tmp_path / "scored")
    (tmp_path / "scored" / "reid_evaluation.json").write_text("{")
    (tmp_path / "no").write_text("a file")
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "other.json").write_text('[{"frame": "elsewhere.jpg", "people": []}]')
    for people, folder in ((2, "few"), (4, "grey"), (4, "broken")):
        for person in range(people):
            (tmp_path / folder / str(person)).mkdir(parents=True)
            Image.fromarray(np.full((60, 50), 128, np.uint8)).save(tmp_path / folder / str(person) / "1.png")
    (tmp_path / "broken" / "0" / "1.png").write_bytes(b"no picture")
    ran = reid(*(one.format(tmp=tmp_path, sample=sample, labels=LABELS) for one in arguments))
    assert ran.code == code
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1
    assert reason in ran.err
    assert ran.out == ""
