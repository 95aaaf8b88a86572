"""The list of production models, and what pins their weights."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from schemas.config import BuildConfig, make_config
from schemas.errors import ConfigError, ModelError
from tasks.models import production
from tasks.models.options import Options
from tasks.models.production import (
    COMMIT,
    DIGEST,
    EXECUTABLE,
    find_production,
    folder_digest,
    pin,
    production_names,
    read_production_list,
    require_installed,
)
from tasks.models.registry import create_detector, model_digest, prepare_models
from tests.tasks.models.production.networks import listed

COMMIT_A = "a" * 40
UNPINNED = {"mobileclip-b", "siglip-so400m-open-clip"}
"""Models whose pin could not be learnt: the user names one."""

YOLO = "yolo26m"


def test_every_listed_model_is_pinned() -> None:
    models = read_production_list()
    assert len({(m.name, m.stage) for m in models}) == len(models)
    for model in models:
        if not model.url and not model.repo:
            continue
        if model.name in UNPINNED:
            with pytest.raises(
                ConfigError, match=f"no pin is known here for the weights of model {model.name}: name a commit"
            ):
                pin(model, Options())
            assert pin(model, Options(revision=COMMIT_A)) == COMMIT_A
            continue
        known = pin(model, Options())
        assert DIGEST.fullmatch(known) or COMMIT.fullmatch(known), model.name
        if Path(model.file).suffix in EXECUTABLE:
            assert DIGEST.fullmatch(known), f"{model.name} is a pickle: a commit is not enough"
        if model.snapshot or not model.sha256:
            assert COMMIT.fullmatch(model.revision), model.name
        if model.url:
            assert model.url.startswith("https://")
            assert model.url.endswith("/" + model.file)
        assert model.licence


def test_pickles_and_engines_are_known_to_run_code() -> None:
    assert {".pt", ".pth", ".bin", ".engine"} <= EXECUTABLE


def test_stages_have_models() -> None:
    assert "yolo26m-seg" in production_names("detector")
    assert production_names("face_detector") == ("scrfd-10g",)
    assert find_production("yolo26m-seg", "appearance") is None


@pytest.mark.parametrize("text", ["{", '{"models": [{"name": "x"}]}', "[]"])
def test_a_damaged_list(text: str, tmp_path: Path) -> None:
    path = tmp_path / "production.json"
    path.write_text(text)
    with pytest.raises(ModelError, match="is missing or damaged"):
        read_production_list(path)
    with pytest.raises(ModelError, match="is missing or damaged"):
        read_production_list(tmp_path / "none.json")


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_own_weights_are_pinned_by_what_they_hold(tmp_path: Path) -> None:
    path = tmp_path / "own.onnx"
    path.write_bytes(b"weights")
    model = listed(YOLO, "detector")
    assert pin(model, Options(weights=str(path))) == sha(path)
    assert pin(model, Options(weights=str(path), sha256=sha(path))) == sha(path)


@pytest.mark.parametrize("kind", sorted(EXECUTABLE))
def test_what_can_run_code_needs_its_digest(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"own{kind}"
    path.write_bytes(b"weights")
    model = listed(YOLO, "detector")
    with pytest.raises(ConfigError, match=rf"own\{kind} can run code when it is read: set weights_sha256"):
        pin(model, Options(weights=str(path)))
    assert pin(model, Options(weights=str(path), sha256=sha(path))) == sha(path)
    with pytest.raises(ModelError, match="are not the pinned ones: expected sha256 0000"):
        pin(model, Options(weights=str(path), sha256="0" * 64))


@pytest.mark.parametrize(
    ("name", "stage", "options", "error", "told"),
    [
        (
            YOLO,
            "detector",
            {"sha256": "xyz"},
            ConfigError,
            "weights_sha256 of model yolo26m must be 64 hexadecimal digits",
        ),
        ("clip-vit-b-32", "appearance", {"revision": "main"}, ConfigError, "must be a commit of 40 hexadecimal digits"),
        (YOLO, "detector", {"revision": COMMIT_A}, ConfigError, "does not come from a hub repository"),
        ("ultralytics", "detector", {}, ConfigError, "has no weights of its own: name a file in weights"),
        (YOLO, "detector", {"weights": "/no/such.onnx"}, ModelError, "are missing: there is no /no/such.onnx"),
        (YOLO, "detector", {"weights": "."}, ModelError, "must be a file"),
        ("siglip-so400m", "appearance", {"weights": __file__}, ModelError, "must be a folder with its config.json"),
    ],
)
def test_what_is_no_pin(name: str, stage: str, options: dict[str, Any], error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told) as caught:
        pin(listed(name, stage), Options(**options))
    assert "\n" not in str(caught.value)


def test_another_commit_takes_the_place_of_the_listed_one() -> None:
    model = listed("siglip-so400m", "appearance")
    assert pin(model, Options()) == model.revision
    assert pin(model, Options(revision=COMMIT_A)) == COMMIT_A
    assert pin(model, Options(revision=COMMIT_A, sha256="b" * 64)) == "b" * 64


def test_a_folder_is_pinned_by_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"1")
    first = folder_digest(tmp_path)
    assert first == folder_digest(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"2")
    second = folder_digest(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "other.safetensors")
    assert len({first, second, folder_digest(tmp_path)}) == 3


def test_missing_libraries_are_named_with_the_extra() -> None:
    model = listed(YOLO, "detector")
    absent = dataclasses.replace(model, family="nowhere")
    production._MODULES["nowhere"] = ("numpy", "no_such_module_1", "no_such_module_2")
    try:
        with pytest.raises(
            ConfigError, match=r"needs no_such_module_1, no_such_module_2 .* pip install 'storyreasoning\[gpu\]'"
        ):
            require_installed(absent)
    finally:
        del production._MODULES["nowhere"]


def test_an_unknown_name_is_answered_with_the_nearest_of_all() -> None:
    with pytest.raises(
        ConfigError, match=r"unknown detector 'yolo26-seg'; did you mean 'yolo26[mx]-seg'\? known: .*nanodet-g-416"
    ):
        create_detector("yolo26-seg")


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"detect": {"masks": True}}, "model nanodet-g-416 gives no masks"),
        ({"detect": {"device": "cuda"}}, "nanodet-g-416 runs on the CPU in 32 bits"),
        ({"appearance": {"precision": "float16"}}, "efficientnet-lite0 runs on the CPU in 32 bits"),
        ({"faces": {"device": "cuda:1"}}, "yunet-2023mar runs on the CPU in 32 bits"),
        ({"faces": {"embedder": "arcfase"}}, "unknown face embedder 'arcfase'"),
    ],
)
def test_embedded_models_say_what_they_cannot_do(section: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        prepare_models(make_config(section, "test"))


def test_embedded_models_are_ready_without_anything() -> None:
    prepare_models(BuildConfig())


def test_digests_are_known_without_the_extra() -> None:
    """Keys of shards can be told on a machine without torch."""
    assert model_digest(YOLO, "detector") == listed(YOLO, "detector").sha256
    assert model_digest("siglip-so400m", "appearance") == listed("siglip-so400m", "appearance").revision


def test_settings_that_only_production_models_have_do_not_enter_the_keys_of_others() -> None:
    """A shard made before these settings existed stands."""
    dumped = json.loads(BuildConfig().model_dump_json())
    assert not {"device", "precision", "revision", "weights_sha256", "image_side", "masks"} & dumped["detect"].keys()
    assert not {"device", "sides"} & dumped["faces"].keys()
    assert not {"device", "precision", "revision", "weights", "weights_sha256", "masked"} & dumped["appearance"].keys()
    changed = make_config({"detect": {"masks": True, "device": "cuda:1"}, "faces": {"sides": [640]}}, "test")
    assert BuildConfig.model_validate_json(changed.model_dump_json()) == changed
