"""One gallery for a film that is cut into shards: the sample film as one shard and as several."""

import json
from pathlib import Path

import pytest

from cli.build import SAMPLE_FILM, build
from schemas.config import BuildConfig, IngestConfig, SequenceConfig
from schemas.errors import WorkspaceError
from tasks.assembly import assemble_shard, latest_run
from tasks.gallery import FILE, GalleryNames
from tests.e2e.building import rows

FILM = SAMPLE_FILM / "saloon"
Views = dict[tuple[str, str], str]


def build_film(place: Path, shard_frames: int) -> None:
    config = BuildConfig(
        ingest=IngestConfig(shard_frames=shard_frames),
        sequence=SequenceConfig(min_frames=3, max_frames=6, target_frames=3),
    )
    build(str(FILM), str(place), config, "plain", "embedded", None, 1)


def views_of(workspace: Path) -> Views:
    """The gallery name of each detection, as published."""
    found = {}
    for row in rows(workspace):
        frames = {frame["number"]: frame["frame_id"] for frame in row["frames"]}
        for entity in row["entities"]:
            for member in entity["members"]:
                found[frames[member["frame"]], member["det_id"]] = f"{row['film']} {entity['gallery_id']}"
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The film in one shard, and in shards of three frames."""
    place = tmp_path_factory.mktemp("gallery")
    build_film(place / "whole", 512)
    build_film(place / "cut", 3)
    return place / "whole", place / "cut"


def test_a_cut_film_has_the_gallery_of_a_whole_one(built: tuple[Path, Path]) -> None:
    """People by clear faces: the same detections have one name, and different people never share one."""
    whole, cut = map(views_of, built)
    assert not (built[0] / FILE).exists()
    assert len(latest_run(built[1])[1]) > 1
    people = [view for view in whole.keys() & cut.keys() if " char" in whole[view]]
    assert len(people) > 10
    pairs = {(whole[view], cut[view]) for view in people}
    assert len({after for _, after in pairs}) == len(pairs)
    assert len({before for before, _ in pairs}) == len(pairs)


def test_whoever_reads_stories_gets_the_same_names(built: tuple[Path, Path]) -> None:
    run, refs, _ = latest_run(built[1])
    published = views_of(built[1])
    for ref in refs:
        for story in assemble_shard(run, ref, images=False):
            for frame in story.evidence.frames:
                for view in frame.entities:
                    assert published[frame.frame_id, view.det_id] == f"{story.film} {view.gallery_id}"


def test_names_count_by_first_appearance_and_stay(built: tuple[Path, Path]) -> None:
    value = json.loads((built[1] / FILE).read_text())
    for film in value["films"].values():
        seen: list[str] = []
        for shard in film["shards"]:
            names = film["names"][shard]
            assert len(set(names.values())) == len(names)
            seen += [names[f"char{k}"] for k in range(1, len(names) + 1) if f"char{k}" in names]
        assert list(dict.fromkeys(seen)) == [f"char{k}" for k in range(1, len(set(seen)) + 1)]
    before = (built[1] / FILE).stat().st_mtime_ns
    build_film(built[1], 3)
    assert (built[1] / FILE).stat().st_mtime_ns == before


def test_names_of_other_identities_are_not_used(built: tuple[Path, Path], tmp_path: Path) -> None:
    run, refs, _ = latest_run(built[1])
    value = json.loads((built[1] / FILE).read_text())
    row = {"entities": [{"gallery_id": "char1"}, {"gallery_id": ""}]}
    film = value["films"][refs[-1].film]
    expected = film["names"][refs[-1].shard]["char1"]
    assert GalleryNames(run, refs[-1]).apply(row)["entities"] == [{"gallery_id": expected}, {"gallery_id": ""}]
    film["shards"][refs[-1].shard] = "0" * 32
    elsewhere = type(run)(str(tmp_path), run.source, run.config)
    (tmp_path / FILE).write_text(json.dumps(value))
    assert GalleryNames(elsewhere, refs[-1]).apply(row) is row
    (tmp_path / FILE).write_text("{")
    with pytest.raises(WorkspaceError, match=r"galleries\.json is damaged"):
        GalleryNames(elsewhere, refs[-1])
