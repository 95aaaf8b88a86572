import json
import re
from pathlib import Path

import pytest
from datasets import DatasetDict, load_dataset
from huggingface_hub import DatasetCard

from schemas.config import BuildConfig
from tasks.card import gather_facts, read_notice, render_card, write_card
from tasks.dataset_card.facts import CardFacts, FilmFacts
from tasks.export import Exported, Written, export_dataset
from tasks.models.weights import read_model_list
from tasks.runtime.record import StageTotals
from tasks.runtime.stage import RunSpec
from tests.tasks.dataset_card.samples import make_facts
from tests.tasks.report.films import Film, make_run


def build(root: Path, films: list[Film], test_ratio: float = 0.15, source: str = "frames", bits: int = -1) -> Exported:
    """Export hand-made films with their card below ``root/dataset``."""
    run, refs, record = make_run(root, films, source)
    # The frames of all these films look the same: that must not make them one split.
    config = BuildConfig.model_validate({"export": {"test_ratio": test_ratio}, "select": {"duplicate_bits": bits}})
    run = RunSpec(run.workspace, run.source, config)
    totals = [StageTotals(**total) for total in record["stages"]]
    return export_dataset(run, refs, lambda written: write_card(run, refs, totals, written), "")


def load(root: Path, config: str) -> DatasetDict:
    found = load_dataset(str(root / "dataset"), config, cache_dir=str(root / "cache"))
    assert isinstance(found, DatasetDict)
    return found


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)


def test_datasets_loads_both_configs_of_both_splits(tmp_path: Path) -> None:
    films = [Film(name=f"film{i}", stories=1) for i in range(8)]
    exported = build(tmp_path, films, test_ratio=0.4)
    assert all(exported.rows.values())
    for config in ("default", "grounding"):
        loaded = load(tmp_path, config)
        assert {name: split.num_rows for name, split in loaded.items()} == dict(exported.rows)
    assert loaded["train"].column_names[:3] == ["story_id", "story_key", "film"]
    row = load(tmp_path, "default")["train"][0]
    assert list(row) == ["story_id", "images", "frame_count", "chain_of_thought", "story"]
    assert [image.size for image in row["images"]] == [(96, 54)] * 5


def test_films_that_share_frames_are_moved_and_named(tmp_path: Path) -> None:
    films = [Film(name=f"film{i}", stories=1) for i in range(8)]
    apart = build(tmp_path / "apart", films, test_ratio=0.4)
    together = build(tmp_path / "together", films, test_ratio=0.4, bits=2)
    moved = sorted(film for film, split in apart.films.items() if split == "test")
    assert set(together.films.values()) == {"train"}
    told = (tmp_path / "together" / "dataset" / "README.md").read_text()
    assert "Moved to the other split, as they share frames with a film there:\n\n- film" in told
    lines = [line for line in told.splitlines() if line.startswith("- film")]
    assert [line.split(":")[0][2:] for line in lines] == moved
    assert "frame f\\_scene\\_0001\\_0001 is frame f\\_scene\\_0001\\_0001 of film" in lines[0]
    assert lines[0].endswith("(hashes 0 bits apart)")
    assert "Moved to the other split" not in (tmp_path / "apart" / "dataset" / "README.md").read_text()
    assert json.loads((tmp_path / "together" / "dataset" / "films.json").read_text())["films"][moved[0]]["moved"]


def test_licences_beside_the_frames_are_told(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "films.toml").write_text('[films.harbour]\nlicence = "CC-BY"\nsource = "a | tape"\n')
    build(tmp_path, [Film()], source=str(tmp_path / "frames"))
    card = (tmp_path / "dataset" / "README.md").read_text()
    assert "| film | split | stories | frames in stories | licence | source |" in card
    assert "| harbour | train | 2 | 10 | CC-BY | a \\| tape |" in card


def test_datasets_loads_it_when_the_test_split_is_empty(tmp_path: Path) -> None:
    build(tmp_path, [Film()], test_ratio=0.0)
    for config in ("default", "grounding"):
        assert {name: split.num_rows for name, split in load(tmp_path, config).items()} == {"train": 2}


def test_datasets_opens_it_when_there_is_no_row_at_all(tmp_path: Path) -> None:
    """As a stream: ``datasets`` refuses to prepare a dataset without rows."""
    build(tmp_path, [Film(stories=0)])
    for config in ("default", "grounding"):
        found = load_dataset(str(tmp_path / "dataset"), config, streaming=True)
        assert list(found) == ["train"]
        assert list(found["train"]) == []
        assert "story_id" in found["train"].features


def test_the_hub_reads_what_was_counted(tmp_path: Path) -> None:
    build(tmp_path, [Film()])
    data = DatasetCard((tmp_path / "dataset" / "README.md").read_text()).data.to_dict()  # type: ignore[no-untyped-call]
    files = (tmp_path / "dataset" / "default").glob("train-*.parquet")
    info = data["dataset_info"][0]
    assert info["splits"][0]["num_examples"] == 2
    assert info["download_size"] == sum(path.stat().st_size for path in files)
    assert info["dataset_size"] == info["splits"][0]["num_bytes"] > 10 * 1000


def test_facts_are_gathered_from_shards_and_totals(tmp_path: Path) -> None:
    run, refs, record = make_run(
        tmp_path, [Film(stories=2), Film(name="film 10", stories=1), Film(name="film 9", stories=0)]
    )
    totals = [StageTotals(**total) for total in record["stages"]]
    listed = read_model_list()[0]
    totals[2].models = {"mine": "ff" * 32, "an alias": listed.sha256}
    splits = {"harbour": "train", "film 10": "test", "film 9": "test"}
    facts = gather_facts(run, refs, totals, Written(tmp_path / "none", {"train": 2, "test": 1}, splits, (), ()))
    assert facts.films == (
        FilmFacts("film 9", "test", 0, 0),
        FilmFacts("film 10", "test", 1, 5),
        FilmFacts("harbour", "train", 2, 10),
    )
    assert [(m.name, m.licence) for m in facts.models] == [(listed.name, listed.licence), ("mine", "")]
    (drafter,) = facts.drafters
    assert (drafter.drafter, drafter.prompt_version, drafter.stories) == ("composer", "composer-1", 3)
    assert facts.stages[1].rejected == (("near-duplicate", 9),)
    assert facts.settings == ()
    assert facts.statistics.stories == 3


def test_changed_settings_are_named(tmp_path: Path) -> None:
    run, refs, _ = make_run(tmp_path, [Film()])
    config = BuildConfig.model_validate({"select": {"black_luma": 0.5}, "export": {"split_seed": 3}})
    facts = gather_facts(
        RunSpec(run.workspace, run.source, config), refs, [], Written(tmp_path, {"train": 2}, {}, (), ())
    )
    assert facts.settings == (("select.black_luma", "0.5"), ("export.split_seed", "3"))


def test_where_a_model_is_served_is_not_told_and_changes_no_digest(tmp_path: Path) -> None:
    run, refs, _ = make_run(tmp_path, [Film()])

    def gather(**chat: object) -> CardFacts:
        spec = RunSpec(run.workspace, run.source, BuildConfig.model_validate({"chat": {"model": "m", **chat}}))
        return gather_facts(spec, refs, [], Written(tmp_path, {"train": 2}, {}, (), ()))

    facts = gather(endpoints=["http://gpu7.inside:8000/v1"], max_usd=5.0)
    assert facts.settings == (("chat.model", '"m"'),)
    assert facts.config_digest == gather().config_digest != gather(model="n").config_digest


def test_the_same_input_gives_the_same_bytes_wherever_it_lies(tmp_path: Path) -> None:
    for name in ("one", "two"):
        build(tmp_path / name, [Film(), Film(name="quay")], source=str(tmp_path / name / "frames"))
    one, two = ((tmp_path / name / "dataset" / "README.md").read_bytes() for name in ("one", "two"))
    assert one == two
    assert str(tmp_path).encode() not in one


def test_timings_do_not_reach_the_card(tmp_path: Path) -> None:
    run, refs, record = make_run(tmp_path, [Film()])
    totals = [StageTotals(**total) for total in record["stages"]]
    rows, splits = {"train": 2, "test": 0}, {"harbour": "train"}
    before = gather_facts(run, refs, totals, Written(tmp_path, rows, splits, (), ()))
    for total in totals:
        total.seconds, total.cpu_s, total.reused = 99.0, 99.0, 1
    assert gather_facts(run, refs, totals, Written(tmp_path, rows, splits, (), ())) == before


def test_rendering_is_yaml_then_markdown() -> None:
    text = render_card(make_facts())
    _, head, rest = text.split("---\n", 2)
    assert head.startswith("annotations_creators:")
    assert rest.startswith("\n# Harbour stories\n")
    assert text.endswith("\n")
    assert "\n\n\n" not in text


def test_the_notice_of_the_frames(tmp_path: Path) -> None:
    frames = tmp_path / "film" / "frames"
    frames.mkdir(parents=True)
    assert read_notice(frames) == ""
    (tmp_path / "film" / "NOTICE.txt").write_text("beside")
    assert read_notice(frames) == "beside"
    (frames / "NOTICE.md").write_bytes(b"inside \xff")
    assert read_notice(frames) == "inside \ufffd"
    assert read_notice(tmp_path / "film") == "beside"
    other = tmp_path / "film" / "others"
    other.mkdir()
    assert read_notice(other) == ""
    assert read_notice(tmp_path / "absent.parquet") == ""


@pytest.mark.parametrize(
    ("sources", "notice"),
    [
        (
            '{"note": "Synthetic.", "package": "clips==1", "licence": "MIT"}',
            "Synthetic.\n\nSource: clips==1. Licence: MIT.",
        ),
        ('{"licence": "CC0", "frames": []}', "Licence: CC0."),
        ('{"frames": []}', ""),
        ("[1]", ""),
        ("not json", ""),
    ],
)
def test_the_notice_of_listed_sources(tmp_path: Path, sources: str, notice: str) -> None:
    (tmp_path / "frames").mkdir()
    (tmp_path / "SOURCES.json").write_text(sources)
    assert read_notice(tmp_path / "frames") == notice


def test_the_card_says_that_the_sample_film_is_synthetic() -> None:
    frames = Path(__file__).parents[2] / "data" / "sample_film" / "frames"
    assert "no real people" in read_notice(frames)


def test_every_chart_that_a_card_shows_lies_beside_it(tmp_path: Path) -> None:
    build(tmp_path, [Film(), Film(name="quay")])
    folder = tmp_path / "dataset"
    shown = re.findall(r"!\[[^\n]*\]\((charts/[a-z]+\.svg)\)", (folder / "README.md").read_text())
    assert len(shown) == 6
    assert {f"charts/{path.name}" for path in (folder / "charts").iterdir()} == set(shown)
    listed = {entry["@id"] for entry in json.loads((folder / "croissant.json").read_text())["distribution"]}
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet")}
    assert listed == {"repo", "parquet-files-of-default", "parquet-files-of-grounding", *files}
    assert json.loads((folder / "measurements.json").read_text())["stories"] == 4


def test_a_dataset_of_one_licence_has_it(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "films.toml").write_text('licence = "CC-BY-4.0"\n')
    build(tmp_path, [Film(), Film("quay")], source=str(tmp_path / "frames"))
    assert "\nlicense: cc-by-4.0\n" in (tmp_path / "dataset" / "README.md").read_text()
