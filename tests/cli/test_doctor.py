"""``storyreasoning doctor``: what is there, what is missing, and an exit code that tells."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.doctor import find_disk, probe_endpoint
from tasks.models import weights
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
    assert {f["topic"] for f in found} >= {"python", "cpu", "gpu", "disk", "package", "model", "sample", "endpoint"}
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
