"""Drafting with a model from the command line: build, what was asked and said, retry, and wrong use."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chat_scribe import answer_schema
from tests.chat_stand_in import Asked, ChatServer, Says, running_chat
from tests.cli.conftest import Run
from tests.painted_films import write_film


@pytest.fixture
def film(tmp_path: Path) -> Path:
    (tmp_path / "my.toml").write_text("[sequence]\nmin_frames = 3\nmax_frames = 8\ntarget_frames = 5\n")
    write_film(tmp_path / "films", "heat", {1: 5, 2: 5})
    return tmp_path / "films"


def moody(asked: Asked) -> str | Says:
    """Declines to tell one of the stories, unless it is another model."""
    if (
        asked.body["model"] == "scribe"
        and asked.schema is not None
        and "You tell" in asked.system
        and asked.body["seed"] == 0
    ):
        shown = asked.turns[0][1]
        if '"scene": "0002"' in shown:
            return Says("", refusal="I would rather not.")
    return answer_schema(asked.schema or {}, asked.key)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with running_chat(ChatServer(answer=moody)) as running:
        yield running


@pytest.fixture
def built(run: Run, film: Path, tmp_path: Path, server: ChatServer) -> Path:
    workspace = tmp_path / "w"
    done = run(
        "build", film, "--workspace", workspace, "--config", tmp_path / "my.toml", "--drafter", "llm", "--endpoint", server.url,
        "--model", "scribe",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert done.out.startswith("1 story ")
    return workspace


def given_up(workspace: Path) -> str:
    import pyarrow.parquet as pq

    (row,) = pq.read_table(workspace / "dead_letters.parquet").to_pylist()
    assert (row["stage"], row["reason"], row["text"]) == ("draft_story", "refused", "I would rather not.")
    return str(row["item"])


def test_a_draft_shows_what_was_asked_and_said(run: Run, built: Path) -> None:
    key = given_up(built)
    brief = run("draft", built, "--story", key[:9])
    assert brief.code == 0
    assert [line.split(":")[0] for line in brief.out.splitlines()] == [
        f"story {key} of heat",
        "request",
        "request",
        "call",
        "call",
    ]
    assert "request: analysis by scribe, analysis-v1@" in brief.out
    assert "answered, refusal" in brief.out
    whole = run("draft", built, "--story", key, "--show")
    assert "You tell stories over frames of a film." in whole.out
    assert '"$defs"' in whole.out
    assert "I would rather not." in whole.out
    value = json.loads(run("draft", built, "--story", key, "--json").out)
    assert [request["purpose"] for request in value["requests"]] == ["analysis", "story"]
    assert {call["request_key"] for call in value["calls"]} == {request["key"] for request in value["requests"]}


def test_a_retry_from_the_command_line_and_a_build_after_it(
    run: Run, built: Path, film: Path, server: ChatServer
) -> None:
    asked = len(server.asked)
    done = run("retry", built, "--model", "other")
    assert done.code == 0
    assert done.out.startswith("2 stories ")
    assert [one.body["model"] for one in server.asked[asked:]] == ["other"]
    again = run(
        "build", film, "--workspace", built, "--config", film.parent / "my.toml", "--drafter", "llm", "--endpoint", server.url,
        "--model", "scribe",
    )  # fmt: skip
    assert again.out.startswith("2 stories "), "a build keeps what a retry has saved"
    assert len(server.asked) == asked + 1
    assert run("retry", built).out == "nothing was given up: nothing to try again\n"


def test_the_composer_takes_what_fails_again_when_asked(run: Run, built: Path) -> None:
    done = run("retry", built, "--model", "scribe", "--fallback", "composer")
    assert done.out.startswith("2 stories ")


WRONG: dict[str, tuple[list[str], str]] = {
    "no endpoint": (["--drafter", "llm", "--model", "m"], "--drafter llm needs --endpoint URL and --model NAME"),
    "no model": (["--drafter", "llm", "--endpoint", "http://127.0.0.1:1/v1"], "name the model"),
    "a model for the composer": (["--model", "m"], "--model is for --drafter llm; the composer asks no model"),
    "a fallback for the composer": (["--fallback", "composer"], "--fallback is for --drafter llm"),
    "a budget for the composer": (["--max-usd", "3"], "--max-usd is for --drafter llm"),
    "an address that is none": (["--drafter", "llm", "--model", "m", "--endpoint", "localhost"], "http"),
    "a budget below nothing": (
        ["--drafter", "llm", "--model", "m", "--endpoint", "http://127.0.0.1:1/v1", "--max-usd", "-1"],
        "max_usd",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_use_is_one_line(case: str, run: Run, film: Path, tmp_path: Path) -> None:
    options, told = WRONG[case]
    done = run("build", film, "--workspace", tmp_path / "w", *options)
    assert told in done.error
    assert done.code == 2
    assert not (tmp_path / "w").exists()


def test_a_key_on_the_command_line_is_not_repeated(run: Run, film: Path, tmp_path: Path) -> None:
    endpoint = "http://user:sk-secret@127.0.0.1:1/v1"
    done = run("build", film, "--workspace", tmp_path / "w", "--drafter", "llm", "--model", "m", "--endpoint", endpoint)
    assert "credentials" in done.error
    assert "sk-secret" not in done.err + done.out
    pasted = run(
        "build", film, "--workspace", tmp_path / "w", "--drafter", "llm", "--model", "m", "--endpoint", "http://127.0.0.1:1/v1",
        "--api-key-env", "sk-secret",
    )  # fmt: skip
    assert "sk-secret" not in pasted.err + pasted.out
    assert pasted.code == 2


def test_a_composed_workspace_has_nothing_to_retry(run: Run, film: Path, tmp_path: Path) -> None:
    run("build", film, "--workspace", tmp_path / "w")
    assert run("retry", tmp_path / "w", "--model", "m").out == "nothing was given up: nothing to try again\n"
    shown = run("draft", tmp_path / "w", "--story", "1" * 14)
    assert shown.code == 2
    assert "no story" in shown.error


@pytest.mark.parametrize("command", [["retry"], ["draft", "--story", "1"]])
def test_what_is_no_workspace_is_said(command: list[str], run: Run, tmp_path: Path) -> None:
    done = run(command[0], tmp_path, *command[1:])
    assert "is not a workspace" in done.error
