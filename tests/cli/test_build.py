"""``storyreasoning build``: what it prints, and every bad input that it is to survive."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.e2e.building import CONFIG, STAGES, digests, temporaries
from tests.painted_films import write_film


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """The configuration of the test builds, as a file."""
    lines = []
    for section, values in CONFIG.items():
        lines += [f"[{section}]", *(f"{name} = {value}" for name, value in values.items())]
    path = tmp_path / "my.toml"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """One short film."""
    write_film(tmp_path / "films", "heat", {1: 5, 2: 4})
    return tmp_path / "films"


def test_a_build_says_where_everything_is(run: Run, film: Path, settings: Path, tmp_path: Path) -> None:
    done = run("build", film, "--workspace", tmp_path / "w", "--config", settings)
    assert done.code == 0
    first, *rest = done.out.splitlines()
    assert first.startswith("2 stories (2 train, 0 test) in ")
    assert "0 items left out with a reason" in first
    assert f"  dataset  {tmp_path / 'w' / 'dataset'}" in rest
    assert f"  report   {tmp_path / 'w' / 'report.html'}" in rest
    assert f"  look at a story: storyreasoning inspect {tmp_path / 'w'}" in rest
    plain = done.err.splitlines()
    assert plain[0] == "9 frames in 1 shards"
    assert [line.split()[0] for line in plain[1:]] == list(STAGES)
    again = run("build", film, "--workspace", tmp_path / "w", "--config", settings)
    assert again.out.splitlines()[0].startswith("2 stories (2 train, 0 test) in ")
    assert again.err.count("1 reused") == 11


def test_json_is_for_machines(run: Run, film: Path, settings: Path, tmp_path: Path) -> None:
    done = run("build", film, "--workspace", tmp_path / "w", "--config", settings, "--json")
    assert done.code == 0
    assert done.err == ""
    events = [json.loads(line) for line in done.out.splitlines()]
    assert events[0]["event"] == "plan"
    assert {e["event"] for e in events} == {"plan", "stage", "shard_started", "shard_done", "summary"}
    summary = events[-1]
    assert summary["event"] == "summary"
    assert summary["stories"] == 2
    for total in summary["stages"]:
        assert total["items_in"] == total["items_out"] + sum(total["rejected"].values())
    ends = [e for e in events if e["event"] == "shard_done"]
    assert len(ends) == 11


def test_the_limit_is_a_quick_look(run: Run, film: Path, settings: Path, tmp_path: Path) -> None:
    done = run("build", film, "--workspace", tmp_path / "w", "--config", settings, "--limit-stories", 1)
    assert done.out.startswith("1 story (1 train, 0 test)")


@pytest.mark.parametrize("frames", ["missing", "no/such/folder", "./x", "~nosuchuser/frames", "x" * 5000, "a\nb/c/d"])
def test_a_missing_folder(run: Run, tmp_path: Path, frames: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("build", frames, "--workspace", tmp_path / "w")
    assert "does not exist: give a folder of images, a Parquet file, a video, an archive" in done.error
    assert done.code == 2


def test_an_empty_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    done = run("build", tmp_path / "frames", "--workspace", tmp_path / "w")
    assert "holds no images (found nothing): give a folder with JPEG, PNG or WebP frames" in done.error
    assert done.code == 2


def test_a_folder_of_other_files(run: Run, tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "sound.mp3").write_bytes(b"x")
    done = run("build", tmp_path / "frames", "--workspace", tmp_path / "w")
    assert "holds no images (found 1 .mp3)" in done.error


def test_frames_that_are_all_rejected(run: Run, tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "a.jpg").write_bytes(b"text")
    done = run("build", tmp_path / "frames", "--workspace", tmp_path / "w")
    assert "none of the 1 frames of" in done.error
    assert "can be used (1 not an image)" in done.error
    assert "dead_letters.parquet" in done.error


def test_no_people_anywhere(run: Run, tmp_path: Path, settings: Path) -> None:
    from PIL import Image

    from tests.painted_films import paint

    (tmp_path / "frames").mkdir()
    for k in range(5):
        Image.fromarray(paint(f"s{k}", [], ["car"])[0]).save(tmp_path / "frames" / f"{k}.png")
    done = run("build", tmp_path / "frames", "--workspace", tmp_path / "w", "--config", settings)
    assert done.code == 0
    assert done.out.splitlines()[0] == "warning: no story came out: 5 frames 'no person' (sequence)"
    assert done.out.splitlines()[1].startswith("0 stories")
    assert "Traceback" not in done.err


def test_a_single_frame(run: Run, tmp_path: Path, settings: Path) -> None:
    write_film(tmp_path / "films", "one", {1: 1})
    done = run("build", tmp_path / "films", "--workspace", tmp_path / "w", "--config", settings)
    assert done.code == 0
    assert done.out.startswith("warning: no story came out: 1 frames 'too few frames' (sequence)")


def test_a_workspace_that_cannot_be_written(run: Run, film: Path) -> None:
    done = run("build", film, "--workspace", "/proc/w")
    assert "cannot write the workspace /proc/w" in done.error
    assert done.code == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_workspace_without_permission(run: Run, film: Path, tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w").chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert "Permission denied" in run("build", film, "--workspace", tmp_path / "w").error


@pytest.mark.parametrize("workspace", ["x" * 300, "loop"])
def test_a_workspace_that_cannot_be(
    run: Run, film: Path, tmp_path: Path, workspace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    assert "workspace" in run("build", film, "--workspace", workspace).error


def test_a_full_disk(run: Run, film: Path, settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tasks.runtime.store.ShardWriter.flush", full)
    done = run("build", film, "--workspace", tmp_path / "w", "--config", settings)
    assert "no space left while writing" in done.error
    assert "free space and run again" in done.error
    assert done.code == 1
    assert temporaries(tmp_path / "w") == []


def test_a_workspace_of_another_version(run: Run, film: Path, tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "workspace.json").write_text('{"format": 99}')
    done = run("build", film, "--workspace", tmp_path / "w")
    assert "has format 99 and this version reads 1" in done.error
    assert done.code == 1


def test_a_folder_of_something_else_as_workspace(run: Run, film: Path, tmp_path: Path) -> None:
    before = digests(film)
    assert "holds files but is no workspace" in run("build", film, "--workspace", film).error
    assert digests(film) == before


def test_a_workspace_in_use(run: Run, film: Path, tmp_path: Path) -> None:
    from tasks.runtime.workspace import locked_workspace

    with locked_workspace(tmp_path / "w"):
        assert "another build is at work" in run("build", film, "--workspace", tmp_path / "w").error


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--preset", "embeded"], "unknown preset 'embeded'; did you mean 'embedded'?"),
        (["--preset", "../../etc/passwd"], "unknown preset '../../etc/passwd'"),
        (["--engine", "Plain"], "unknown engine 'Plain'; did you mean 'plain'?"),
        (["--limit-stories", "0"], "--limit-stories must be at least 1, not 0"),
        (["--limit-stories", "-3"], "--limit-stories must be at least 1, not -3"),
        (["--workers", "0"], "--workers must be at least 1, not 0"),
        (["--config", "missing.toml"], "cannot read the configuration missing.toml: No such file or directory"),
    ],
)
def test_a_wrong_option_is_said_before_anything_is_made(
    run: Run, film: Path, tmp_path: Path, words: list[str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("build", film, "--workspace", tmp_path / "w", *words)
    assert told in done.error
    assert done.code == 2
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[sequense]\nmin_frames = 3", "unknown key 'sequense' in"),
        ("[sequence]\nmin_frame = 3", "did you mean 'min_frames'?"),
        ("[sequence]\nmin_frames = 'three'", "sequence.min_frames in"),
        ("[sequence\n", "is not valid TOML"),
        ("[detect]\nmodel = 'nanodet-x'", "unknown detector 'nanodet-x'; did you mean 'nanodet-"),
        ("[reidentify]\ncalibration = 'v9'", "v9"),
    ],
)
def test_a_wrong_configuration(run: Run, film: Path, tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "bad.toml").write_text(text)
    done = run("build", film, "--workspace", tmp_path / "w", "--config", tmp_path / "bad.toml")
    assert told in done.error
    assert done.code == 2


def test_a_corrupt_model_file(run: Run, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the real adapters
    from tasks.models import weights

    folder = tmp_path / "models"
    folder.mkdir()
    for path in weights.MODELS_FOLDER.iterdir():
        (folder / path.name).symlink_to(path)
    listed = next(record for record in weights.read_model_list() if record.stage == "detector")
    (folder / listed.file).unlink()
    (folder / listed.file).write_bytes(b"corrupt")
    monkeypatch.setattr("tasks.models.weights.MODELS_FOLDER", folder)
    done = run("build", film, "--workspace", tmp_path / "w")
    assert "is corrupt: expected sha256" in done.error
    assert listed.file in done.error


def test_a_shard_that_fails_is_one_line(
    run: Run, film: Path, settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> object:
        raise RuntimeError("out of words\nand out of lines")

    monkeypatch.setattr("tasks.composer_rows.compose_analysis", fail)
    done = run("build", film, "--workspace", tmp_path / "w", "--config", settings)
    assert "1 of 1 shards failed: draft_analysis failed on shard heat-" in done.error
    assert "RuntimeError: out of words and out of lines; the rest is kept, run again to continue" in done.error


@pytest.mark.parametrize(("level", "told"), [(None, False), ("WARNING", True)])
def test_libraries_log_nothing_unless_asked_to(level: str | None, told: bool) -> None:
    code = (
        "from cli.build import quiet_prefect; quiet_prefect(); import prefect, logging; "
        "from prefect.logging.configuration import setup_logging; setup_logging(); "
        "[logging.getLogger(name).error('dropped') for name in ('sqlalchemy.pool', 'prefect.server.services', 'asyncio')]"
    )
    settings = {"PREFECT_LOGGING_ROOT_LEVEL": level, "PREFECT_SERVER_LOGGING_LEVEL": level} if level else {}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.count("dropped") == (3 if told else 0)
