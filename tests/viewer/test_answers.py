"""Streams of chat completions, cut anywhere, sound and unsound."""

import json
import random
from typing import Any

import pytest

from viewer.answers import AnswerError, AnswerReader, Finish, Part, Usage, Words, read_whole


def chunk(**delta: Any) -> bytes:
    return (
        f"data: {json.dumps({'choices': [{'delta': delta, 'finish_reason': None}]}, ensure_ascii=False)}\n\n".encode()
    )


END = b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


def read(body: bytes, size: int = 1 << 20, line_bytes: int = 10_000, characters: int = 10_000) -> list[Part]:
    reader = AnswerReader(line_bytes, characters)
    parts: list[Part] = []
    for start in range(0, len(body), size):
        parts += reader.feed(body[start : start + size])
        if reader.finished:
            break
    return parts + reader.end()


def text_of(parts: list[Part]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Words))


def test_words_usage_and_finish() -> None:
    usage = b'data: {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}\n\n'
    parts = read(
        chunk(role="assistant", content="") + chunk(content="Once") + chunk(content=" more") + END + usage + DONE
    )
    assert parts == [Words("Once more", 2), Usage(7, 2), Finish("stop")]


@pytest.mark.parametrize("size", range(1, 40))
def test_the_same_text_wherever_bytes_are_cut(size: int) -> None:
    body = b": ping\r\n\r\n" + chunk(content="Zo\u00eb ") + chunk(content="\U0001f600\u2028") + END + DONE
    parts = read(body, size)
    assert text_of(parts) == "Zo\u00eb \U0001f600\u2028"
    assert sum(part.deltas for part in parts if isinstance(part, Words)) == 2
    assert parts[-1] == Finish("stop")


def test_random_cuts_of_many_deltas() -> None:
    source = random.Random(3)
    told = ["".join(source.choices('ab \u00e9\u4e16\U0001f40e<|\n"\\', k=source.randrange(1, 9))) for _ in range(300)]
    body = b"".join(chunk(content=text) for text in told) + END + DONE
    assert {text_of(read(body, size)) for size in (1, 3, 17, 1000, 1 << 20)} == {"".join(told)}


def test_thoughts_told_apart_stand_between_think_tags() -> None:
    body = chunk(reasoning_content="## Im") + chunk(reasoning_content="age 1") + chunk(content="<gdi image1>") + END
    assert text_of(read(body)) == "<think>\n## Image 1\n</think>\n<gdi image1>"
    assert text_of(read(chunk(reasoning="only") + END)) == "<think>\nonly\n</think>\n"


def test_a_stream_without_end_mark_finish_or_last_newline() -> None:
    assert read(chunk(content="a"))[-1] == Finish("")
    assert text_of(read(chunk(content="a") + chunk(content="b").rstrip())) == "ab"
    assert read(chunk(content="a") + DONE + chunk(content="never read"))[-1] == Finish("")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "before the first word"),
        (DONE, "before the first word"),
        (chunk(role="assistant"), "before the first word"),
        (b"data: {not json}\n\n", "not JSON"),
        (b"data: [1]\n\n", "no chat completion"),
        (b"<!doctype html>\n<p>hello\n", "web page"),
        (b'data: {"error": {"message": "out of\\nmemory"}}\n\n', "broke off: out of memory"),
        (b'{"error": "no such model"}\n', "broke off: no such model"),
        (b"data: " + b"9" * 20_000 + b"\n", "more than 10,000 bytes"),
        (b"x" * 20_000, "more than 10,000 bytes"),
        (chunk(content="y" * 6_000) * 2, "does not stop writing"),
        (b"data: " + b"[" * 9_000 + b"\n\n", "not JSON"),
    ],
)
def test_what_is_no_answer_is_told(body: bytes, told: str) -> None:
    with pytest.raises(AnswerError, match=told):
        read(body, 1000)


@pytest.mark.parametrize(
    "line",
    [
        b'data: {"choices": 3}\n',
        b'data: {"choices": []}\n',
        b'data: {"choices": [7]}\n',
        b'data: {"choices": [{"delta": null}]}\n',
        b'data: {"choices": [{"delta": {"content": ["x"]}}], "usage": {"prompt_tokens": -1, "completion_tokens": "x"}}\n',
        b"event: ping\nid: 3\nretry: 5\n\n",
    ],
)
def test_what_says_nothing_is_passed_over(line: bytes) -> None:
    assert text_of(read(line + chunk(content="a"))) == "a"


def test_an_answer_in_one_piece() -> None:
    value = {"choices": [{"message": {"content": "Once"}, "finish_reason": "length"}], "usage": {"prompt_tokens": 1}}
    assert read_whole(json.dumps(value).encode()) == [Words("Once", 1), Usage(1, 0), Finish("length")]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"choices": []}', b'{"choices": [{"message": {"content": null}}]}', b"[]"]
)
def test_a_piece_that_is_no_answer(body: bytes) -> None:
    with pytest.raises(AnswerError):
        read_whole(body)
