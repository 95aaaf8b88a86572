"""Answers of a server, one a story whatever breaks off; answers of a model itself are in test_train."""

from pathlib import Path

import pytest

from schemas.errors import ConfigError, SourceError
from tasks.generate import Generated, Sampling, generate_answers, read_answered
from tasks.score import read_outputs
from tasks.training.prompt import REQUEST, SYSTEM_PROMPT
from tests.chat_stand_in import ChatServer, Fault, running_chat
from tests.tiny_stories import write_stories


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return write_stories(tmp_path / "data", range(4), "test")


def ask(dataset: Path, server: ChatServer, **given: object) -> Generated:
    out = dataset.parent / "answers.jsonl"
    return generate_answers("storyteller", dataset, out, server=server.url, **given)  # type: ignore[arg-type]


def test_every_story_is_answered_once(dataset: Path) -> None:
    with running_chat(ChatServer(answer=lambda asked: "a story")) as server:
        told = ask(dataset, server)
        assert (told.stories, told.before, told.answered, told.cut, told.failed) == (4, 0, 4, 0, {})
        again = ask(dataset, server)
        assert (again.before, again.answered) == (4, 0)
        assert len(server.asked) == 4
    assert read_outputs(told.out) == {str(k): "a story" for k in range(4)}
    sent = server.asked[0].body
    assert sent["messages"][0] == {"role": "system", "content": SYSTEM_PROMPT}
    parts = sent["messages"][1]["content"]
    assert [part["type"] for part in parts] == ["image_url"] * 5 + ["text"]
    assert parts[0]["image_url"]["url"].startswith("data:image/png;base64,")
    assert parts[5]["text"] == REQUEST
    assert (sent["temperature"], sent["top_p"]) == (0.7, 0.9)


def test_a_torn_line_is_dropped_and_its_story_asked_again(dataset: Path) -> None:
    with running_chat(ChatServer(answer=lambda asked: "a story")) as server:
        told = ask(dataset, server)
        whole = told.out.read_bytes()
        for kept in (len(whole) - 1, len(whole) - 9, 3):
            told.out.write_bytes(whole[:kept])
            again = ask(dataset, server)
            assert again.before + again.answered == 4
            assert again.answered == 4 - whole[:kept].count(b"\n")
            assert told.out.read_bytes() == whole


def test_a_line_that_is_no_answer(tmp_path: Path) -> None:
    out = tmp_path / "answers.jsonl"
    out.write_text('{"story_id": "1", "output": ""}\nnonsense\n')
    with pytest.raises(SourceError, match="line 2, is no answer"):
        read_answered(out)


def test_too_many_images_for_the_server(dataset: Path) -> None:
    fault = Fault("status", status=400, message="At most 1 image(s) may be provided in one prompt.")
    with running_chat(ChatServer(answer=lambda asked: fault)) as server:
        told = ask(dataset, server)
    assert (told.answered, sorted(told.failed)) == (0, ["0", "1", "2", "3"])
    assert told.failed["2"].endswith("start vLLM with --limit-mm-per-prompt '{\"image\": 5}' or more")


def test_answers_of_different_models_do_not_mix(dataset: Path) -> None:
    with running_chat(ChatServer(answer=lambda asked: "a story")) as server:
        out = ask(dataset, server).out
        with pytest.raises(ConfigError, match="answers that differ in temperature"):
            ask(dataset, server, sampling=Sampling(temperature=0.1))
    out.with_suffix(".run.json").unlink()
    with pytest.raises(ConfigError, match="not known to be of this model"):
        ask(dataset, server)


@pytest.mark.parametrize(
    ("server", "out", "told"),
    [
        ("http://me:secret@host/v1", "a.jsonl", "an endpoint carries credentials"),
        ("ftp://host", "a.jsonl", "must begin with http"),
        ("http://127.0.0.1:9/v1", "a.txt", r"must end with \.jsonl"),
    ],
)
def test_wrong_use(dataset: Path, server: str, out: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        generate_answers("m", dataset, dataset.parent / out, server=server)
    assert "secret" not in str(caught.value)


def test_no_server_there(dataset: Path) -> None:
    with pytest.raises(ConfigError, match="no chat model answers"):
        generate_answers("m", dataset, dataset.parent / "a.jsonl", server="http://127.0.0.1:9/v1")
