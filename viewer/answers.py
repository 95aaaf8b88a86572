"""Reading the stream of a chat completion from bytes cut anywhere: words, counts, and why it ended."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_DONE = b"[DONE]"


class AnswerError(Exception):
    """What came is no chat completion; the message goes on from the name of who sent it."""


@dataclass(frozen=True, slots=True)
class Words:
    """Text of the answer, and in how many deltas (about as many tokens) it came."""

    text: str
    deltas: int


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the endpoint counts them."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Finish:
    """The end: ``stop``, ``length`` and so on, empty when the endpoint gave no reason."""

    reason: str


Part = Words | Usage | Finish


class AnswerReader:
    """Reads server-sent events; one ``data:`` line is one chunk, as every server writes them.

    A server that tells thoughts apart (``reasoning_content``) gets them put between ``<think>`` and ``</think>``.
    """

    def __init__(self, line_bytes: int, characters: int) -> None:
        """Refuse a line of more than ``line_bytes`` and an answer of more than ``characters``."""
        self.finished = False
        self._line_bytes = line_bytes
        self._left = characters
        self._pieces: list[bytes] = []
        self._held = 0
        self._reason = ""
        self._any = False
        self._thinking = False
        self._problem: AnswerError | None = None

    def feed(self, chunk: bytes) -> list[Part]:
        """What the lines that ended in ``chunk`` say.

        Raises:
            AnswerError: a line that is no chunk of a completion, an error told in the stream, or too much of anything.
        """
        words: list[str] = []
        others: list[Part] = []
        try:
            for text, usage in self._read_lines(chunk):
                if text:
                    words.append(text)
                if usage is not None:
                    others.append(usage)
        except AnswerError as error:
            if not words:
                raise
            # What came before stands; the error is told at the end, which is now.
            self._problem, self.finished = error, True
        joined, deltas = "".join(words), len(words)
        self._left -= len(joined)
        if self._left < 0:
            raise AnswerError("does not stop writing and was stopped: lower max tokens")
        return ([Words(joined, deltas)] if joined else []) + others

    def _read_lines(self, chunk: bytes) -> Iterator[tuple[str, Usage | None]]:
        *ended, rest = chunk.split(b"\n")
        for line in ended:
            whole = b"".join([*self._pieces, line])
            self._pieces, self._held = [], 0
            self._check_length(len(whole))
            yield self._read_line(whole.strip())
            if self.finished:
                return
        self._held += len(rest)
        self._check_length(self._held)
        if rest:
            self._pieces.append(rest)

    def end(self) -> list[Part]:
        """The end of the stream.

        Raises:
            AnswerError: it held nothing of an answer, or was broken off by what was no part of one.
        """
        if self._problem is not None:
            raise self._problem
        parts: list[Part] = []
        if self._pieces and not self.finished:
            parts += self.feed(b"\n")
        if not self._any:
            raise AnswerError("ended the stream before the first word: try again, or look into its log")
        if self._thinking:
            parts.append(Words("\n</think>\n", 0))
        return [*parts, Finish(self._reason)]

    def _check_length(self, length: int) -> None:
        if length > self._line_bytes:
            raise AnswerError(f"sent a line of more than {self._line_bytes:,} bytes: it is no OpenAI-compatible server")

    def _read_line(self, line: bytes) -> tuple[str, Usage | None]:
        if line.startswith(b"{"):  # a bare JSON line, as some servers tell errors
            payload = line
        elif line.startswith(b"data:"):
            payload = line[5:].strip()
        else:
            self._check_foreign(line)
            return "", None
        if payload == _DONE:
            self.finished = True
            return "", None
        if not payload:
            return "", None
        value = _load(payload)
        text, reason, usage = _read_chunk(value)
        thought = _thought(value)
        if reason:
            self._reason = reason
        self._any = self._any or bool(text or thought or reason)
        return self._place_thought(thought, text), usage

    def _place_thought(self, thought: str, text: str) -> str:
        if thought and not self._thinking:
            self._thinking = True
            thought = f"<think>\n{thought}"
        if text and self._thinking:
            self._thinking = False
            text = f"\n</think>\n{text}"
        return thought + text

    @staticmethod
    def _check_foreign(line: bytes) -> None:
        # Comments and the other fields of server-sent events are passed over; a web page is not.
        if line.startswith(b"<"):
            raise AnswerError(
                "answered with a web page in the place of a stream: check the address, mostly ending in /v1"
            )


def read_whole(body: bytes) -> list[Part]:
    """An answer that came in one piece although a stream was asked for.

    Raises:
        AnswerError: it is none.
    """
    value = _load(body)
    _raise_error(value)
    try:
        choice = value["choices"][0]
        text = choice["message"]["content"]
        reason = str(choice.get("finish_reason") or "")
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise AnswerError("answered with JSON that is no chat completion: check the address") from error
    if not isinstance(text, str) or not text:
        raise AnswerError("gave an empty answer: try again, or another model")
    return [Words(text, 1), *filter(None, [_usage(value)]), Finish(reason)]


def _load(payload: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise AnswerError("sent a line that is not JSON: what came is kept, try again") from error
    if not isinstance(value, dict):
        raise AnswerError("sent JSON that is no chat completion: check the address")
    return value


def _raise_error(value: Mapping[str, Any]) -> None:
    error = value.get("error")
    if error:
        told = error.get("message") if isinstance(error, dict) else error
        raise AnswerError(f"broke off: {' '.join(str(told or 'no reason given').split())[:300]}")


def _delta(value: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    choices = value.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else {}
    if not isinstance(choice, dict):
        return {}, {}
    delta = choice.get("delta")
    return choice, delta if isinstance(delta, dict) else {}


def _read_chunk(value: Mapping[str, Any]) -> tuple[str, str, Usage | None]:
    _raise_error(value)
    choice, delta = _delta(value)
    text = delta.get("content")
    return text if isinstance(text, str) else "", str(choice.get("finish_reason") or "")[:40], _usage(value)


def _thought(value: Mapping[str, Any]) -> str:
    delta = _delta(value)[1]
    thought = delta.get("reasoning_content") or delta.get("reasoning")
    return thought if isinstance(thought, str) else ""


def _usage(value: Mapping[str, Any]) -> Usage | None:
    usage = value.get("usage")
    if not isinstance(usage, dict):
        return None
    counts = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
    known = [count if isinstance(count, int) and 0 <= count < 10**12 else 0 for count in counts]
    return Usage(known[0], known[1])
