"""Whole builds drafted by a chat model: a scripted server that fails like real ones, and what stands afterwards."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from schemas.chain_of_thought import parse_chain_of_thought
from schemas.errors import BudgetExceeded, ConfigError
from schemas.story import render_story
from schemas.text import ImageBlock, Story, Tag
from tasks.runtime.store import ShardStore
from tests.chat_scribe import answer_schema
from tests.chat_stand_in import FAULTS, Asked, ChatServer, Fault, Says, running_chat
from tests.e2e.building import Built, build, digests, manifests, rows
from tests.tasks.drafting.whole import strict_faults

KEY = "sk-of-a-test-0123456789"


def draft(films: Path, workspace: Path, server: ChatServer, chat: Any = (), **params: Any) -> Built:
    """Build with the stand-in as drafter."""
    section = {"endpoints": [server.url], "model": "scribe", **dict(chat)}
    return build(films, workspace, chat=section, draft={"drafter": "llm", **params})


def write(asked: Asked) -> str:
    """A sound answer to whatever is asked; none where nothing but text will do."""
    return answer_schema(asked.schema, asked.key) if asked.schema else "Once upon a time."


def purpose(asked: Asked) -> str:
    """``analysis`` or ``story``."""
    return "story" if "You tell stories" in asked.system else "analysis"


def counts(built: Built) -> dict[str, tuple[int, int, int]]:
    return {s.name: (s.items_in, s.items_out, sum(s.rejected.values())) for s in built.summary.stages}


def letters(workspace: Path) -> list[dict[str, Any]]:
    found = pq.read_table(workspace / "dead_letters.parquet").to_pylist()
    return [row for row in found if row["stage"].startswith("draft")]


def check_whole(built: Built, workspace: Path) -> None:
    """Counts add up at every stage, and everything kept keeps every strict rule."""
    told = counts(built)
    for name, (into, out, lost) in told.items():
        assert into == out + lost, name
    assert told["draft_story"][0] == told["draft_analysis"][1]
    assert told["ground"][1] == built.summary.stories == len(rows(workspace))
    assert told["reidentify"][1] == built.summary.stories + len(letters(workspace)) + told["ground"][2]
    assert strict_faults(workspace) == []


def test_a_server_that_fails_every_third_time_costs_no_story(films: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    with running_chat(ChatServer(answer=write, fault_share=0.3, faults=FAULTS)) as server:
        built = draft(films, workspace, server)
        assert built.summary.stories == 4
        check_whole(built, workspace)
        assert max(server.accepted.values()) == 1, "no request was repeated that was answered"
        asked = len(server.asked)
        assert asked > sum(server.accepted.values()), "there were faults"
        again = draft(films, workspace, server)
        assert again.fresh == []
        assert len(server.asked) == asked
    for row in rows(workspace):
        assert (row["drafter"], row["model"]) == ("llm", "scribe")
        analysis, story = row["prompt_version"].split()
        assert analysis.startswith("analysis-v1@")
        assert story.startswith("story-v1@")
        assert row["input_tokens"] > 0
        prompts = {(model["stage"], model["name"]) for model in row["models"] if model["name"].startswith("prompt")}
        assert prompts == {("draft_analysis", "prompt analysis-v1"), ("draft_story", "prompt story-v1")}


def tell_tagged(asked: Asked) -> str:
    """A sound story in tagged text over the tables that the request shows."""
    _, _, rest = asked.turns[0][1].partition("----- begin tables ")
    tables = parse_chain_of_thought(rest.partition("\n")[2].partition("----- end tables ")[0]).value
    blocks = []
    for image in tables.images:
        parts: list[str | Tag] = ["Rain fell over the town while "]
        parts += [Tag("gdo", (row.entity_id,), "somebody") for row in image.characters[:1]]
        parts += [
            " and ",
            *(
                Tag("gdo" if row.entity_id.startswith("obj") else "gdl", (row.entity_id,), "it all")
                for row in image.objects[:1]
            ),
        ]
        blocks.append(
            ImageBlock(image.number, (*parts, " waited in the long evening light of a slow and quiet street."))
        )
    return render_story(Story(tuple(blocks)))


DAMAGES: dict[str, Callable[[str], str]] = {
    "a tag that is not closed": lambda s: s.replace("</gdo>", "", 1),
    "tags that cross": lambda s: s.replace("somebody</gdo>", "somebody<gda char1></gdo> sat</gda>", 1),
    "an id of nobody": lambda s: s.replace("char1>", "char77>", 1),
    "an id of another image": lambda s: s.replace("<gdi image1>\n", "<gdi image1>\n<gdo char9>Nobody</gdo> ", 1),
    "a block that is missing": lambda s: s[: s.rindex("<gdi ")],
    "a block twice": lambda s: s + "\n\n" + s[: s.index("</gdi>")] + "</gdi>",
    "a pronoun of nobody": lambda s: s.replace("Rain fell", "They said that rain fell", 1),
    "prose around it": lambda s: f"Sure! Here is the story:\n\n{s}\n\nI hope you like it.",
    "a fence around it": lambda s: f"```xml\n{s}\n```",
    "an answer to something else": lambda s: "I need more information.",
}
WRONG_PIECES: dict[str, Callable[[dict[str, Any]], object]] = {
    "an id of nobody": lambda v: v["image1"].append({"mention": "Nobody", "of": ["char99"]}),
    "an image too many": lambda v: v.update(image99=[{"text": "More."}]),
    "an image that is missing": lambda v: v.pop("image2"),
    "a pronoun in the text": lambda v: v["image1"].append({"text": "They left."}),
    "markup in the text": lambda v: v["image1"].append({"text": "<gdo char1>She</gdo>"}),
    "a piece of no kind": lambda v: v["image2"].append({"thought": "Hm", "of": ["char1"]}),
    "nothing that points to the frame": lambda v: v.update(
        image1=[{"text": "Rain fell all day over the long road to the town by the sea."}]
    ),
}


@pytest.mark.parametrize("form", ["pieces", "tagged"])
def test_however_a_model_errs_what_is_kept_holds_and_counts_add_up(form: str, films: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    met: set[str] = set()

    def err(asked: Asked) -> str:
        """Wrong more often than not, each time in another way; the same for the same request."""
        draw = random.Random(asked.key)
        if purpose(asked) == "analysis" or draw.random() < 0.25:
            return tell_tagged(asked) if form == "tagged" and purpose(asked) == "story" else write(asked)
        if asked.schema is None:
            name = draw.choice(sorted(DAMAGES))
            met.add(name)
            return DAMAGES[name](tell_tagged(asked))
        name = draw.choice(sorted(WRONG_PIECES))
        met.add(name)
        value = json.loads(write(asked))
        WRONG_PIECES[name](value)
        return json.dumps(value)

    lost = kept = 0
    with running_chat(ChatServer(answer=err, fault_share=0.3, faults=FAULTS)) as server:
        for seed in range(4):
            built = draft(films, workspace, server, seed=seed, story={"form": form, "tries": 3, "words": (8, 40)})
            check_whole(built, workspace)
            kept += built.summary.stories
            lost += len(letters(workspace))
            assert built.summary.stories + len(letters(workspace)) == 4
            for letter in letters(workspace):
                assert letter["reason"] in ("invalid", "truncated", "refused")
                assert letter["faults"]
        assert max(server.accepted.values()) == 1
    assert kept >= 4, "some hold"
    assert len(met) >= 5, "models err in many ways"


def test_what_was_lost_on_disk_is_made_again_from_the_ledger_alone(films: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    with running_chat(ChatServer(answer=write)) as server:
        draft(films, workspace, server)
        before, asked = digests(workspace / "dataset"), len(server.asked)
        for stage in ("draft_analysis", "draft_story"):
            shutil.rmtree(workspace / "shards" / stage)
        again = draft(films, workspace, server)
    assert again.fresh_stages == {"draft_analysis", "draft_story"}
    assert len(server.asked) == asked
    assert digests(workspace / "dataset") == before


def test_a_changed_wish_for_the_story_redoes_stories_only(films: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    with running_chat(ChatServer(answer=write)) as server:
        draft(films, workspace, server)
        first = len(server.asked)
        again = draft(films, workspace, server, story={"genre": "western"})
        assert again.fresh_stages == {"draft_story", "ground"}
        assert {purpose(asked) for asked in server.asked[first:]} == {"story"}
        assert all("Genre: western." in asked.text for asked in server.asked[first:])


def test_what_stays_wrong_is_a_dead_letter_and_a_retry_takes_only_that(films: Path, tmp_path: Path) -> None:
    from flows.retry_dataset import retry_dataset

    workspace = tmp_path / "w"
    bad: set[str] = set()

    def moody(asked: Asked) -> str | Fault:
        model, what = asked.body["model"], purpose(asked)
        if model == "scribe" and not bad:
            bad.add(asked.turns[0][1])
        if model == "scribe" and asked.turns[0][1] in bad:
            return '{"cast": {}}' if what == "analysis" else Fault("policy")
        return write(asked)

    with running_chat(ChatServer(answer=moody)) as server:
        built = draft(films, workspace, server)
        assert built.summary.stories == 3
        check_whole(built, workspace)
        (letter,) = letters(workspace)
        assert (letter["stage"], letter["reason"]) == ("draft_analysis", "invalid")
        assert "narrative is missing" in letter["faults"]
        assert letter["text"] == '{"cast": {}}'
        kept = {row["story_key"]: row for row in rows(workspace)}
        first = len(server.asked)
        summary = retry_dataset.fn(str(workspace), model="other")
        assert summary is not None
        assert summary.stories == 4
        assert [(asked.body["model"], purpose(asked)) for asked in server.asked[first:]] == [
            ("other", "analysis"),
            ("other", "story"),
        ]
        after = {row["story_key"]: row for row in rows(workspace)}
        assert {key: row for key, row in after.items() if key in kept} == kept
        assert after[letter["item"]]["model"] == "other"
        assert letters(workspace) == []
        assert strict_faults(workspace) == []
        assert retry_dataset.fn(str(workspace), model="third") is None, "nothing is left to try"
        assert len(server.asked) == first + 2


def test_the_same_model_is_asked_anew_by_a_retry(films: Path, tmp_path: Path) -> None:
    from flows.retry_dataset import retry_dataset

    workspace = tmp_path / "w"
    seen: list[str] = []

    def declining(asked: Asked) -> str | Says:
        if purpose(asked) == "story" and asked.body["seed"] == 0 and not seen:
            seen.append(asked.key)
        return Says("", refusal="I cannot help with that.") if asked.key in seen else write(asked)

    with running_chat(ChatServer(answer=declining)) as server:
        assert draft(films, workspace, server).summary.stories == 3
        (letter,) = letters(workspace)
        assert (letter["stage"], letter["reason"]) == ("draft_story", "refused")
        first = len(server.asked)
        summary = retry_dataset.fn(str(workspace))
        assert summary is not None
        assert summary.stories == 4
        assert [(purpose(asked), asked.body["seed"]) for asked in server.asked[first:]] == [("story", 1)]


@pytest.mark.parametrize("stage", ["analysis", "story"])
def test_the_composer_takes_over_only_when_asked_and_records_say_so(stage: str, films: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "w"

    def declining(asked: Asked) -> str | Says:
        return Says("", "content_filter") if purpose(asked) == stage else write(asked)

    with running_chat(ChatServer(answer=declining)) as server:
        assert draft(films, workspace, server).summary.stories == 0
        assert {letter["reason"] for letter in letters(workspace)} == {"refused"}
        built = draft(films, workspace, server, fallback="composer")
    assert built.summary.stories == 4
    check_whole(built, workspace)
    assert {row["drafter"] for row in rows(workspace)} == {"composer (fallback)"}


def test_a_budget_stops_before_it_is_passed_and_more_of_it_goes_on(films: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    with running_chat(ChatServer(answer=write)) as server:
        with pytest.raises(BudgetExceeded):
            draft(films, workspace, server, {"max_tokens": 30_000, "max_concurrency": 1})
        spent = len(server.asked)
        assert 0 < spent < 8
        built = draft(films, workspace, server, {"max_concurrency": 1})
        assert built.summary.stories == 4
        assert max(server.accepted.values()) == 1
        check_whole(built, workspace)


def test_frames_are_dropped_where_the_model_has_too_little_room(films: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "w"

    def short(asked: Asked) -> str | Fault:
        return Fault("overflow", wording="vllm") if len(asked.pictures) > 3 else write(asked)

    with running_chat(ChatServer(answer=short)) as server:
        built = draft(films, workspace, server)
    assert built.summary.stories == 4
    check_whole(built, workspace)
    store = ShardStore(workspace / "shards")
    for manifest in manifests(workspace):
        if manifest.stage in ("draft_analysis", "draft_story"):
            for row in store.read(manifest.stage, manifest.shard, manifest.key):
                assert 2 <= len(row["pictures"]) <= 3
                assert row["pictures"][0] == 1


def test_a_correction_reaches_everything_downstream(films: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "w"

    def correcting(asked: Asked) -> str:
        value = json.loads(write(asked))
        if purpose(asked) == "analysis":
            words = dict.fromkeys(
                ("description", "action_or_function", "emotion_or_interaction", "narrative_function"), "plain"
            )
            box = {"x1": 2, "y1": 2, "x2": 30, "y2": 20}
            value["image1"]["missed"] = [{"what": "thing", "name": "Lantern", "same_as": "new", **box, **words}]
            value["image2"]["landmarks"] = [
                {"name": "Big Ben", "where": "frame", "description": "A clock tower", "narrative_function": "plain"}
            ]
        return json.dumps(value)

    with running_chat(ChatServer(answer=correcting)) as server:
        built = draft(films, workspace, server)
    check_whole(built, workspace)
    assert built.summary.stories == 4
    for row in rows(workspace):
        added = {d["det_id"]: d for d in row["detections"] if d["origin"] in ("drafter", "landmark")}
        assert {(d["frame"], d["label"], d["origin"]) for d in added.values()} == {
            (1, "lantern", "drafter"),
            (2, "Big Ben", "landmark"),
        }
        entities = {m["det_id"]: e for e in row["entities"] for m in e["members"]}
        lantern = entities[next(name for name, d in added.items() if d["label"] == "lantern")]
        assert (lantern["kind"], lantern["label"]) == ("obj", "lantern")
        assert [e["entity_id"] for e in row["entities"] if e["kind"] == "lm"] == ["lm1"]
        assert "lm1" in {one for link in row["links"] for one in link["ids"]}, "the story speaks of what was added"
    for asked in server.asked:
        if purpose(asked) == "story":
            assert "lantern" in asked.text.lower()
            assert "Big Ben: A clock tower" in asked.text


@pytest.mark.parametrize(
    ("chat", "told"),
    [
        ({"endpoints": []}, "no chat model is set up"),
        ({"api_key_env": "NO_SUCH_KEY_HERE"}, "NO_SUCH_KEY_HERE"),
    ],
)
def test_without_a_model_nothing_is_drafted_and_one_line_says_why(
    chat: Any, told: str, films: Path, tmp_path: Path
) -> None:
    with running_chat(ChatServer(answer=write, keys=frozenset({KEY}))) as server:
        with pytest.raises(ConfigError, match=told):
            draft(films, tmp_path / "w", server, chat)
        assert server.accepted.total() == 0


def test_a_key_stands_nowhere_in_the_workspace(films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = tmp_path / "w"
    monkeypatch.setenv("A_KEY", KEY)
    with running_chat(ChatServer(answer=write, keys=frozenset({KEY}), fault_share=0.3, faults=FAULTS)) as server:
        assert draft(films, workspace, server, {"api_key_env": "A_KEY"}).summary.stories == 4
    assert [path for path in workspace.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()] == []


@pytest.mark.slow
def test_killed_anywhere_nothing_that_was_answered_is_asked_again(films: Path, tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    workspace = tmp_path / "w"
    code = (
        "import sys\nfrom tests import fakes\nfakes.install()\nfrom cli.main import main\nsys.exit(main(sys.argv[1:]))"
    )
    settings = tmp_path / "my.toml"
    settings.write_text("[sequence]\nmin_frames = 3\nmax_frames = 8\ntarget_frames = 3\n[chat]\nmax_concurrency = 1\n")
    draw = random.Random(7)
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with running_chat(ChatServer(answer=write, latency_s=0.15, fault_share=0.3, faults=FAULTS)) as server:
        command = [
            sys.executable,
            "-c",
            code,
            "build",
            str(films),
            "--workspace",
            str(workspace),
            "--config",
            str(settings),
        ]
        command += ["--drafter", "llm", "--endpoint", server.url, "--model", "scribe"]
        killed = 0
        while killed < 20:
            before = len(server.asked)
            process = subprocess.Popen(
                command, cwd=root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            deadline = time.monotonic() + 60
            # Wait until this process asks, then kill it a random moment later; one that only reads the ledger ends by itself.
            while process.poll() is None and len(server.asked) == before and time.monotonic() < deadline:
                time.sleep(0.005)
            if process.poll() is not None:
                break
            time.sleep(draw.uniform(0.0, 0.2))
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                killed += 1
            process.wait(30)
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert killed == 20, "it was done before"
        # With one request at a time, at most the answer that was on its way to a dying process is given once more.
        assert sum(count - 1 for count in server.accepted.values()) <= killed
        assert strict_faults(workspace) == []
        ledger = pq.read_table(workspace / "ledger.parquet").to_pylist()
        answered = [call["request_key"] for call in ledger if call["outcome"] == "answered"]
        assert len(answered) == len(set(answered)), "what the ledger holds is asked of nobody again"
        asked = len(server.asked)
        assert subprocess.run(command, cwd=root, env=environment, capture_output=True, timeout=120).returncode == 0
        assert len(server.asked) == asked
