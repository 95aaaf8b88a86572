import json
import tarfile
from pathlib import Path

import pytest

from schemas.config import ExportConfig
from tasks.exporting.stories import read_stories
from tasks.exporting.webdataset import TarWriter
from tests.e2e.building import digests
from tests.tasks.report.films import Film, make_run


def write(root: Path, shard_bytes: int = 500_000_000) -> Path:
    """The tar files of three stories."""
    run, refs, _ = make_run(root / "w", [Film(stories=3)])
    with TarWriter(root, "train", ExportConfig(shard_bytes=shard_bytes)) as writer:
        for number, story in enumerate(read_stories(run, refs[0])):
            writer.write(story, str(7 + number))
    assert writer.sha256 == {root / path: sha for path, sha in digests(root).items() if path.endswith(".tar")}
    return root / "webdataset"


def test_a_sample_is_read_by_its_name_up_to_the_first_dot(tmp_path: Path) -> None:
    (path,) = write(tmp_path).iterdir()
    samples: dict[str, dict[str, bytes]] = {}
    order = []
    with tarfile.open(path) as tar:
        for member in tar:
            key, _, field = member.name.partition(".")
            handle = tar.extractfile(member)
            assert handle is not None
            samples.setdefault(key, {})[field] = handle.read()
            order.append(key)
            assert (member.mtime, member.uid, member.gid, member.mode) == (0, 0, 0, 0o644)
    # WebDataset takes members that follow one another for one sample.
    assert order == sorted(order)
    assert list(samples) == ["7", "8", "9"]
    run, refs, _ = make_run(tmp_path / "again", [Film(stories=3)])
    for sample, story in zip(samples.values(), read_stories(run, refs[0]), strict=True):
        assert list(sample) == ["json", "chain_of_thought.txt", "story.txt", *(f"{n:03d}.jpg" for n in range(5))]
        assert [sample[f"{n:03d}.jpg"] for n in range(5)] == story.images.to_pylist()
        assert sample["story.txt"].decode() == story.grounded["story"]
        about = json.loads(sample["json"])
        assert (about["film"], about["story_key"]) == ("harbour", story.key)
        assert [frame["frame_id"] for frame in about["frames"]] == story.grounded["frame_ids"]


def test_files_are_closed_between_samples_and_are_the_same_every_time(tmp_path: Path) -> None:
    one, two = write(tmp_path / "one", 1), write(tmp_path / "two", 1)
    assert sorted(path.name for path in one.iterdir()) == [f"train-{n:06d}.tar" for n in range(3)]
    assert digests(one) == digests(two)
    for path in one.iterdir():
        with tarfile.open(path) as tar:
            assert len(tar.getnames()) == 8


def test_a_failing_writer_leaves_its_file_closed(tmp_path: Path) -> None:
    run, refs, _ = make_run(tmp_path / "w", [Film()])
    with pytest.raises(ZeroDivisionError), TarWriter(tmp_path, "train", ExportConfig()) as writer:
        writer.write(next(read_stories(run, refs[0])), "1")
        raise ZeroDivisionError
    assert writer.sha256 == {}
