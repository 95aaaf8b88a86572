"""``storyreasoning doctor``: what is there, what is missing, and an exit code that tells."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cli.doctor import Finding, find_compiled, find_disk, find_search, probe_endpoint
from tasks.models import compiled, weights
from tests.cli.conftest import Run


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's own environment."""
    for name in ("PREFECT_API_URL", "OPENAI_BASE_URL", "OPENAI_API_KEY", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the model folder that a test may damage."""
    folder = Path(shutil.copytree(weights.MODELS_FOLDER, tmp_path / "models", ignore=shutil.ignore_patterns("tools")))
    monkeypatch.setattr("tasks.models.weights.MODELS_FOLDER", folder)
    monkeypatch.setattr("tasks.models.weights.read_model_list.__defaults__", (folder,))
    return folder


def test_a_sound_machine(run: Run, tmp_path: Path) -> None:
    done = run("doctor", "--workspace", tmp_path / "w")
    assert done.code == 0, done.out
    assert "MISSING" not in done.out
    for record in weights.read_model_list():
        assert f"{record.name} sha256 {record.sha256[:16]}" in done.out
    assert not (tmp_path / "w").exists(), "looking makes nothing"


def test_as_json(run: Run, tmp_path: Path) -> None:
    found = json.loads(run("doctor", "--json", "--workspace", tmp_path).out)
    assert {f["topic"] for f in found} >= {
        "python",
        "cpu",
        "gpu",
        "disk",
        "package",
        "search",
        "model",
        "sample",
        "endpoint",
    }
    assert {f["state"] for f in found} <= {"ok", "note", "missing"}


def remove(path: Path) -> None:
    path.unlink()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def fold(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("damage", "told"),
    [(remove, "is missing"), (truncate, "is corrupt"), (flip, "is corrupt"), (fold, "cannot be read")],
)
def test_a_damaged_model(run: Run, models: Path, tmp_path: Path, damage: Callable[[Path], None], told: str) -> None:
    record = weights.read_model_list()[0]
    damage(models / record.file)
    done = run("doctor", "--workspace", tmp_path)
    assert done.code == 1
    (line,) = (line for line in done.out.splitlines() if line.startswith("MISSING"))
    assert told in line
    assert record.file in line
    assert "reinstall the package" in line


@pytest.mark.parametrize("content", ["", "{", "[]", '{"models": [{}]}', "null"])
def test_a_damaged_model_list(run: Run, models: Path, tmp_path: Path, content: str) -> None:
    (models / "models.json").write_text(content)
    done = run("doctor", "--workspace", tmp_path)
    assert done.code == 1
    assert "MISSING model" in done.out
    assert "models.json is damaged" in done.out


def test_a_missing_sample_film(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.doctor.SAMPLE_FILM", tmp_path / "nowhere")
    done = run("doctor", "--workspace", tmp_path)
    assert done.code == 1
    assert "MISSING sample" in done.out


def test_a_missing_package_says_how_to_get_it(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.doctor.PACKAGES", ("no-such-package-at-all",))
    done = run("doctor", "--workspace", tmp_path)
    assert done.code == 1
    assert "no-such-package-at-all" in done.out
    assert "-> pip install" in done.out


def test_a_disk_that_cannot_be_written(tmp_path: Path) -> None:
    assert find_disk(tmp_path / "not" / "yet" / "there").state in ("ok", "note")
    assert find_disk(Path("/proc/x")).state in ("missing", "note", "ok")


def test_a_workspace_that_is_a_loop_of_links(run: Run, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    done = run("doctor", "--workspace", tmp_path / "loop")
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("url", "state", "told"),
    [
        ("ftp://host/x", "note", "is no http(s) URL"),
        ("nonsense", "note", "is no http(s) URL"),
        ("", "note", "is no http(s) URL"),
        ("http://127.0.0.1:1/api", "note", "does not answer"),
        ("http://host:port/", "note", "is no http(s) URL"),
        ("http://127.0.0.1:99999/", "note", "is no http(s) URL"),
        ("http://[::1", "note", "is no http(s) URL"),
    ],
)
def test_endpoints_of_any_kind(url: str, state: str, told: str) -> None:
    found = probe_endpoint("PREFECT_API_URL", url)
    assert found.state == state
    assert told in found.text
    assert found.remedy


def test_an_endpoint_that_answers() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://user:secret@127.0.0.1:{server.getsockname()[1]}/v1"
        found = probe_endpoint("OPENAI_BASE_URL", url)
    assert found.state == "ok"
    assert "secret" not in found.text


def test_secrets_are_never_printed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_verysecret")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-verysecret")
    done = run("doctor", "--workspace", tmp_path)
    assert "verysecret" not in done.out + done.err
    assert "HF_TOKEN is set" in done.out


def with_faiss(
    monkeypatch: pytest.MonkeyPatch, builds: list[str], *, cards: int = 0, for_gpus: bool = False, driver: str = ""
) -> None:
    """A machine with these builds of FAISS and so many cards; ``driver`` is what CUDA may use."""
    module = ModuleType("faiss")
    module.__dict__["get_num_gpus"] = lambda: cards
    if for_gpus:
        module.__dict__["StandardGpuResources"] = object
    monkeypatch.setitem(sys.modules, "faiss", module)
    monkeypatch.setattr("importlib.metadata.packages_distributions", lambda: {"faiss": builds})
    monkeypatch.setattr("importlib.metadata.version", lambda name: "1.2" if name.startswith("faiss") else "0")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", driver)


@pytest.mark.parametrize(
    ("builds", "facts", "state", "told", "remedy"),
    [
        (["faiss-cpu"], {}, "ok", "faiss-cpu 1.2 on the CPU", ""),
        (["faiss-cpu", "faiss-cpu"], {}, "ok", "faiss-cpu 1.2 on the CPU", ""),
        (["faiss-cpu"], {"driver": "0"}, "note", "faiss-cpu 1.2 on the CPU", "docs/production-models.md"),
        (["faiss-cuda"], {"cards": 1, "for_gpus": True, "driver": "0"}, "ok", "faiss-cuda 1.2 on 1 GPU", ""),
        (["faiss-gpu-cu12"], {"cards": 2, "for_gpus": True, "driver": "0,1"}, "ok", "faiss-gpu-cu12 1.2 on 2 GPUs", ""),
        (["faiss-cuda"], {"for_gpus": True}, "note", "is a build for GPUs and sees none: it searches on the CPU", ""),
        (
            ["faiss-cuda", "faiss-cpu"],
            {"for_gpus": True},
            "note",
            "faiss-cpu 1.2, faiss-cuda 1.2 lie over each other",
            "pip uninstall faiss-cpu faiss-cuda, then install one of them",
        ),
        ([], {}, "missing", "faiss-cpu", "pip install storyreasoning"),
    ],
)
def test_which_faiss_searches_and_on_what(
    builds: list[str], facts: dict[str, Any], state: str, told: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_faiss(monkeypatch, builds, **facts)
    found = find_search()
    assert (found.topic, found.state) == ("search", state)
    assert found.text.endswith(told)
    assert remedy in found.remedy
    assert bool(found.remedy) == bool(remedy)


def test_whether_images_are_resized_by_compiled_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "STATE", "what it is")
    monkeypatch.setattr(compiled, "pixels", object())
    assert find_compiled() == Finding("compiled", "ok", "what it is")
    monkeypatch.setattr(compiled, "pixels", None)
    found = find_compiled()
    assert (found.state, found.text) == ("note", "what it is")
    assert "C compiler" in found.remedy


def test_a_faiss_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a build for GPUs without the libraries of CUDA."""
    with_faiss(monkeypatch, ["faiss-gpu-cu12"])

    def fail(name: str) -> object:
        raise ImportError("libcudart.so.12: cannot open shared object file\nand more")

    monkeypatch.setattr("importlib.import_module", fail)
    found = find_search()
    assert (found.state, found.text) == (
        "missing",
        "faiss-gpu-cu12 1.2 cannot be loaded (libcudart.so.12: cannot open shared object file)",
    )
    assert found.remedy == "pip install --force-reinstall faiss-gpu-cu12"
