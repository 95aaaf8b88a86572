import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import ConfigError, ModelError
from tasks.models.registry import create_detector
from tasks.models.weights import MODELS_FOLDER, Weights, find_model, locate_weights, read_labels, read_model_list


def test_every_listed_file_is_here_with_its_size_and_digest() -> None:
    for record in read_model_list():
        path = MODELS_FOLDER / record.file
        assert path.stat().st_size == record.size_bytes
        assert hashlib.sha256(path.read_bytes()).hexdigest() == record.sha256
        Weights(path, record.sha256).verify()


def test_every_record_says_where_it_comes_from() -> None:
    document = json.loads((MODELS_FOLDER / "models.json").read_text(encoding="utf-8"))
    for record in document["models"]:
        assert all(record[field] for field in ("licence", "upstream", "made", "input", "output", "purpose", "caveats"))
        assert all(record["source"][field] for field in ("package", "version", "package_licence", "archive", "members"))
    assert {path.name for path in MODELS_FOLDER.glob("*.onnx")} == {record["file"] for record in document["models"]}
    assert all((MODELS_FOLDER / record["file"]).is_file() and record["licence"] for record in document["labels"])


def test_labels_are_complete() -> None:
    coco, imagenet = read_labels("coco80"), read_labels("imagenet1k")
    assert (len(coco), len(set(coco)), coco[0], coco[-1]) == (80, 80, "person", "toothbrush")
    assert (len(imagenet), len(set(imagenet)), imagenet[0], imagenet[-1]) == (1000, 1000, "tench", "toilet tissue")
    with pytest.raises(ModelError, match=r"label list .*nothing\.txt is missing"):
        read_labels("nothing")


def test_an_alias_finds_the_model_it_names() -> None:
    assert find_model("nanodet-m-416", "detector") is find_model("nanodet-g-416", "detector")


@pytest.mark.parametrize(
    ("name", "stage", "nearest"),
    [
        ("nanodet-g-412", "detector", "nanodet-g-416"),
        ("yunet", "face_detector", "yunet-2023mar"),
        ("sfase", "face_embedder", "sface"),
    ],
)
def test_an_unknown_name_is_told_the_nearest(name: str, stage: str, nearest: str) -> None:
    with pytest.raises(ConfigError, match=f"'{name}'.*did you mean '{nearest}'"):
        find_model(name, stage)


def test_a_model_of_another_stage_is_unknown() -> None:
    with pytest.raises(ConfigError, match="unknown detector 'sface'"):
        find_model("sface", "detector")


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.onnx is missing; reinstall"):
        Weights(tmp_path / "gone.onnx", "0" * 64).verify()
    with pytest.raises(ModelError, match=r"gone\.onnx is missing"):
        locate_weights(find_model("sface", "face_embedder"), str(tmp_path / "gone.onnx"))
    with pytest.raises(ModelError, match="cannot be read"):
        Weights(tmp_path, "0" * 64).verify()


def test_a_damaged_file_says_what_was_expected(tmp_path: Path) -> None:
    record = find_model("yunet-2023mar", "face_detector")
    copy = tmp_path / record.file
    shutil.copyfile(MODELS_FOLDER / record.file, copy)
    Weights(copy, record.sha256).verify()
    data = bytearray(copy.read_bytes())
    data[1000] ^= 1
    copy.write_bytes(data)
    found = hashlib.sha256(data).hexdigest()
    with pytest.raises(ModelError, match=f"corrupt: expected sha256 {record.sha256}, got {found}; reinstall"):
        Weights(copy, record.sha256).verify()


def test_other_weights_are_known_by_their_own_digest(tmp_path: Path) -> None:
    other = tmp_path / "mine.onnx"
    other.write_bytes(b"not a network")
    assert create_detector("nanodet-g-416", str(other)).digest == hashlib.sha256(b"not a network").hexdigest()


@pytest.mark.parametrize("content", ["{", "[]", '{"models": [{"name": "x"}]}', '{"models": 3}'])
def test_a_damaged_list_says_so(tmp_path: Path, content: str) -> None:
    (tmp_path / "models.json").write_text(content)
    with pytest.raises(ModelError, match=r"model list .*models\.json is damaged"):
        read_model_list(tmp_path)


def test_a_missing_list_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model list .* is missing"):
        read_model_list(tmp_path)


def test_a_list_keeps_its_order(tmp_path: Path) -> None:
    def record(name: str) -> dict[str, Any]:
        fields = dict.fromkeys(("stage", "file", "sha256", "licence", "upstream", "purpose"), "")
        return {**fields, "name": name, "size_bytes": 3}

    (tmp_path / "models.json").write_text(json.dumps({"models": [record("b"), record("a")]}))
    assert [found.name for found in read_model_list(tmp_path)] == ["b", "a"]
