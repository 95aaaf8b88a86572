"""Looking again at what a chat model drafted: replayed from the ledger without a call, and traced to the calls that were made."""

import shutil
from pathlib import Path

import pytest

from cli.trace import describe
from schemas.errors import ShardError
from tasks.replay import replay
from tasks.runtime.ledger import read_calls
from tasks.trace import trace_story
from tests import fakes
from tests.chat_stand_in import FAULTS, Asked, ChatServer, Fault, Says, running_chat
from tests.e2e.building import changed_at, manifests, rows
from tests.e2e.test_llm_build import draft, purpose, write


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory, finished: tuple[Path, Path]) -> tuple[Path, ChatServer]:
    """A workspace whose model failed now and then, and did not give every story; the server has ended."""
    workspace = tmp_path_factory.mktemp("drafted") / "w"

    unwanted: list[str] = []

    def err(asked: Asked) -> str | Says | Fault:
        """The first story that is asked for is refused, however it is asked for."""
        if purpose(asked) == "story":
            digest = asked.turns[0][1].partition("----- begin tables ")[2][:16]
            unwanted[:] = unwanted or [digest]
            if digest == unwanted[0]:
                return Fault("policy")
        return write(asked)

    with (
        pytest.MonkeyPatch.context() as patch,
        running_chat(ChatServer(answer=err, fault_share=0.3, faults=FAULTS)) as server,
    ):
        fakes.install(patch.setattr)
        draft(finished[0], workspace, server)
    return workspace, server


@pytest.mark.parametrize("stage", ["draft_analysis", "draft_story"])
def test_a_replay_answers_from_the_ledger_and_asks_nobody(drafted: tuple[Path, ChatServer], stage: str) -> None:
    workspace, server = drafted
    asked, before = len(server.asked), changed_at(workspace)
    lost = 0
    for made in (manifest for manifest in manifests(workspace) if manifest.stage == stage):
        replayed = replay(workspace, stage, made.shard)
        assert replayed.differences == ()
        assert replayed.identical
        assert replayed.after.rejected == made.rejected
        lost += sum(made.rejected.values())
    assert lost > 0 or stage == "draft_analysis", "a story that was given up is given up again"
    assert len(server.asked) == asked
    assert changed_at(workspace) == before, "no file was made or changed, the ledger's neither"


def test_what_was_never_asked_is_not_asked_now(drafted: tuple[Path, ChatServer], tmp_path: Path) -> None:
    workspace = Path(shutil.copytree(drafted[0], tmp_path / "w"))
    shutil.rmtree(workspace / "ledger")
    with pytest.raises(ShardError, match=r"the ledger holds no story of .* by scribe: .*; 'storyreasoning build' asks"):
        replay(workspace, "draft_story", trace_story(workspace, rows(workspace)[0]["story_id"])["shard"])
    assert not (workspace / "ledger").exists()


def test_a_story_leads_to_its_calls(drafted: tuple[Path, ChatServer]) -> None:
    workspace, _ = drafted
    calls = list(read_calls(workspace / "ledger"))
    failed = 0
    for row in rows(workspace):
        traced = trace_story(workspace, row["story_id"])
        own = [call for call in calls if call.item == row["story_key"]]
        requests = traced["requests"]
        assert sorted(one["time"] for one in requests) == [one["time"] for one in requests]
        assert {one["request_key"] for one in requests} == {call.request_key for call in own}
        assert len(requests) == len(own)
        assert {one["purpose"] for one in requests} == {"analysis", "story"}
        answered = [one for one in requests if one["outcome"] == "answered"]
        assert sum(one["input_tokens"] for one in answered) == row["input_tokens"]
        assert sum(one["output_tokens"] for one in answered) == row["output_tokens"]
        failed += len(requests) - len(answered)
        last = requests[-1]
        told = describe(traced)
        assert f"story of scribe, prompt {last['prompt']}, attempt {last['attempt']}: answered, " in told
        assert f"{last['input_tokens']} tokens in, {last['output_tokens']} out, 0.0000 USD" in told
    assert failed > 0, "calls that came to nothing are told too"


def test_a_story_by_the_composer_has_none(finished: tuple[Path, Path]) -> None:
    assert trace_story(finished[1], rows(finished[1])[0]["story_id"])["requests"] == []
