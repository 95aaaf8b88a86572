import argparse
from pathlib import Path
from typing import Any

import pytest

from cli import view
from tests.cli.conftest import Run
from tests.viewer.datasets import Sample, write_dataset
from viewer import serve
from viewer.state import ViewerState


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[ViewerState]:
    """States that were served, without a server."""
    states: list[ViewerState] = []

    def note(state: ViewerState, _: object, ready: Any) -> None:
        states.append(state)
        ready()

    monkeypatch.setattr(serve, "serve", note)
    return states


def test_a_dataset_is_opened(run: Run, served: list[ViewerState], tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "d", [Sample("1"), Sample("2")])
    told = run("view", folder, "--port", 0, "--no-browser")
    assert (told.code, told.err) == (0, "")
    (state,) = served
    assert told.out == f"2 stories of {folder}: http://127.0.0.1:{state.port}/ (Ctrl-C ends it)\n"
    assert (state.place, state.workspace, state.endpoints) == (str(folder), None, ())


def test_the_usual_workspace_is_opened_where_it_is(
    run: Run, served: list[ViewerState], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("view", "--no-browser", "--port", 0).out.startswith("no stories opened: http://127.0.0.1:")
    write_dataset(tmp_path / "storyreasoning-workspace" / "dataset", [Sample("1")])
    (tmp_path / "storyreasoning-workspace" / "workspace.json").write_text("{}")
    assert run("view", "--no-browser", "--port", 0).out.startswith("1 story of storyreasoning-workspace")
    assert served[0].library is None
    assert served[1].workspace == Path("storyreasoning-workspace")


def test_the_key_stays_in_the_state(run: Run, served: list[ViewerState], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    told = run("view", "--no-browser", "--port", 0, "--endpoint", "http://127.0.0.1:9/v1/", "--model", "m")
    (endpoint,) = served[0].endpoints
    assert (endpoint.url, endpoint.model, endpoint.api_key) == ("http://127.0.0.1:9/v1", "m", "sk-secret")
    assert "sk-secret" not in told.out + told.err + repr(served[0])


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ["nowhere"],
            "nowhere does not exist: give a workspace, a dataset folder, a Parquet file, or owner/name on the Hub",
        ),
        (["--port", "70000"], "--port 70000: give a number from 0 to 65535"),
        (["--model", "m"], "--model names a model of an endpoint: give its address with --endpoint"),
        (["--endpoint", "localhost:8000"], "--endpoint 'localhost:8000' is no address of a server"),
        (["--endpoint", "file:///etc/passwd"], "is no address of a server"),
        (["--endpoint", "http://user:pw@h/v1"], "is no address of a server"),
        (["--endpoint", "http://h:99999/v1"], "is no address of a server"),
        (["me/nothing", "--offline"], "me/nothing is not in the Hub's cache: run once without --offline"),
    ],
)
def test_wrong_use_is_told_in_a_line(
    run: Run,
    served: list[ViewerState],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    error: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    told = run("view", "--no-browser", *arguments)
    assert told.code == 2 and error in told.error
    assert served == []


def test_another_layout_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "train-0.parquet").write_bytes(b"no Parquet")
    told = run("view", tmp_path, "--no-browser")
    assert told.code == 2 and "cannot be read as Parquet" in told.error


def test_a_port_in_use(run: Run, served: list[ViewerState]) -> None:
    with serve.bind(0) as taken:
        port = taken.getsockname()[1]
        told = run("view", "--no-browser", "--port", port)
        assert told.code == 2 and f"port {port} cannot be used" in told.error
        # Nobody asked for the usual port: another does.
        with view.bind_somewhere(serve.bind, None, port) as other:
            assert other.getsockname()[1] != port


def test_no_browser_is_no_failure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import threading

    monkeypatch.setattr("webbrowser.open", lambda _: False)
    view.open_browser("http://127.0.0.1:1/")
    for thread in threading.enumerate():
        if thread.name == "browser":
            thread.join()
    assert "open the address above" in capsys.readouterr().err


def test_help_loads_nothing_heavy() -> None:
    parser = argparse.ArgumentParser()
    view.add_parser(parser.add_subparsers())
    assert parser.parse_args(["view", "w"]).place == "w"
