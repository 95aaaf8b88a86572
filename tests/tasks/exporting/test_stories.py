import io
from pathlib import Path

import pyarrow as pa
import pytest
from PIL import Image

from schemas.arrow import FRAMES
from schemas.config import ExportConfig
from tasks.exporting.images import reencode
from tasks.exporting.rows import byte_count, image_name
from tasks.exporting.stories import FrameImages, read_stories
from tasks.runtime.store import ShardReader, ShardStore, write_shard
from tests.tasks.report.films import Film, make_run


def reader(root: Path, images: list[bytes], monkeypatch: pytest.MonkeyPatch) -> ShardReader:
    """A shard of frames ``f0``, ``f1``, ... with three of them in a row group."""
    monkeypatch.setattr("tasks.runtime.store.GROUP_ROWS", 3)
    store = ShardStore(root)
    empty = {field.name: 0 if not pa.types.is_string(field.type) else "" for field in FRAMES}
    with write_shard(store, "ingest", "s", "k" * 32, FRAMES) as out:
        for number, image in enumerate(images):
            out.write({**empty, "frame_id": f"f{number}", "image": image})
    return store.read("ingest", "s", "k" * 32)


def test_images_are_taken_across_row_groups_in_any_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = [bytes([number]) * number for number in range(10)]
    images = FrameImages(reader(tmp_path, content, monkeypatch))
    assert images.take(["f0", "f1"]).to_pylist() == content[:2]
    assert images.take(["f5", "f2", "f4"]).to_pylist() == [content[5], content[2], content[4]]
    assert images.take(["f8", "f9"]).to_pylist() == content[8:]
    with pytest.raises(KeyError, match="f3"):
        images.take(["f3"])


def test_images_that_follow_one_another_are_not_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = FrameImages(reader(tmp_path, [bytes(100)] * 3, monkeypatch))
    one, two = images.take(["f0"]), images.take(["f1", "f2"])
    assert one.buffers()[2].address == two.buffers()[2].address
    assert byte_count(two) == 200


def test_stories_have_their_own_images(tmp_path: Path) -> None:
    run, refs, _ = make_run(tmp_path, [Film(stories=3), Film("bare", stories=0)])
    stored = {row["frame_id"]: row["image"] for row in run.store.read("ingest", refs[0].shard, refs[0].keys["ingest"])}
    told = list(read_stories(run, refs[0]))
    assert len(told) == 3
    for story in told:
        assert story.images.to_pylist() == [stored[name] for name in story.grounded["frame_ids"]]
        assert [len(found) for found in story.detections] == [3, 2, 1, 1, 1]
    assert list(read_stories(run, refs[1])) == []


@pytest.mark.parametrize(("name", "kind", "suffix"), [("jpeg", "JPEG", ".jpg"), ("webp", "WEBP", ".webp")])
def test_images_are_encoded_anew_only_on_request(tmp_path: Path, name: str, kind: str, suffix: str) -> None:
    run, refs, _ = make_run(tmp_path, [Film(stories=1)])
    (story,) = read_stories(run, refs[0])
    made = reencode(story, ExportConfig(image_format=name, image_quality=40))
    for before, after, frame in zip(story.images, made.images, made.frames, strict=True):
        with Image.open(io.BytesIO(before.as_py())) as one, Image.open(io.BytesIO(after.as_py())) as two:
            assert two.size == one.size
            assert two.format == kind
        assert after != before
        assert image_name(frame).endswith(suffix)
