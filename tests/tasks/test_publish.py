"""``publish`` against a Hub on loopback, with the real client: what is refused, what is sent, and what survives which failure."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from schemas.errors import ConfigError, PublishError, StoryReasoningError, WorkspaceError
from tasks.publish import STAGING, PublishRequest, make_plan, publish
from tasks.publishing.released import last_release
from tasks.runtime.progress import listening
from tests import fakes
from tests.e2e.building import build
from tests.hub_stand_in import running_hub
from tests.hub_state import Blob, Fault, Hub, Repo

REPO = "ann/stories"
TOKEN = "hf_writer"  # noqa: S105 - of the stand-in
WRITES = r"^(PUT|DELETE)|repos/create|/commit/|/tag/|/branch/|/preupload/|objects/batch"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A Hub that the client of this process talks to; opening with ``load_dataset`` is tested in a process of its own."""
    with running_hub() as hub:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
        template = f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr("tasks.publishing.hub.FIRST_WAIT_S", 0.001)
        monkeypatch.setattr("tasks.publish.verify_loading", lambda *_: None)
        yield hub


@pytest.fixture
def request_(workspace: Path) -> PublishRequest:
    return PublishRequest(str(workspace), REPO, licence="cc-by-4.0")


def parquet(workspace: Path) -> dict[str, bytes]:
    folder = workspace / "dataset"
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.parquet")}


def published_parquet(repo: Repo, revision: str = "main") -> dict[str, bytes]:
    return {path: content for path, content in repo.files(revision).items() if path.endswith(".parquet")}


def assert_one_whole_release(hub: Hub, workspace: Path) -> None:
    """Main went from nothing to everything in one step, tagged, and nothing else is left."""
    repo = hub.repos[REPO]
    before, after = repo.history()
    assert set(before) == {".gitattributes"}
    assert published_parquet(repo) == parquet(workspace)
    folder = workspace / "dataset"
    built = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert set(after) == {".gitattributes", "CHANGELOG.md", "CITATION.cff", "storyreasoning.json", *built}
    assert set(repo.branches) == {"main"}
    assert repo.tags == {"v1": repo.branches["main"]}


def test_a_release_is_the_dataset_in_one_commit_with_a_tag(hub: Hub, workspace: Path, request_: PublishRequest) -> None:
    done = publish(request_, TOKEN)
    assert_one_whole_release(hub, workspace)
    assert (done.commit, done.tag, done.unchanged) == (hub.repos[REPO].branches["main"], "v1", False)
    assert hub.uploaded_bytes == sum(map(len, parquet(workspace).values()))
    files = hub.repos[REPO].files()
    assert b"\nlicense: cc-by-4.0\n" in files["README.md"]
    assert b"## Changes in v1" in files["README.md"]
    assert b'load_dataset("ann/stories", "default"' in files["README.md"]
    record = json.loads(files["storyreasoning.json"])
    assert record["release"] == 1
    assert {path: entry["size"] for path, entry in record["files"].items()} == {
        path: len(content) for path, content in files.items() if path not in (".gitattributes", "storyreasoning.json")
    }


def test_the_same_dataset_again_sends_nothing_and_commits_nothing(hub: Hub, request_: PublishRequest) -> None:
    first = publish(request_, TOKEN)
    moves, sent = list(hub.repos[REPO].moves), hub.uploaded_bytes
    hub.requests.clear()
    again = publish(request_, TOKEN)
    assert (again.unchanged, again.commit, again.tag, again.sent_bytes) == (True, first.commit, "v1", 0)
    assert hub.repos[REPO].moves == moves
    assert hub.uploaded_bytes == sent
    assert hub.asked(WRITES) == []


def test_a_changed_dataset_is_the_next_release(
    hub: Hub, workspace: Path, films: Path, request_: PublishRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(request_, TOKEN)
    before = published_parquet(hub.repos[REPO])
    fakes.install(monkeypatch.setattr)
    (films / "films.toml").write_text('licence = "mit"\n[films.heat]\nsource = "a tape"\n')
    build(films, workspace, export={"shard_bytes": 1, "rows_per_group": 1})
    done = publish(replace(request_, licence=""), TOKEN)
    repo = hub.repos[REPO]
    assert done.tag == "v2"
    assert published_parquet(repo) == parquet(workspace) != before
    assert published_parquet(repo, "v1") == before
    assert [len(tree) for tree in repo.history()] == [1, 14 + len(before), 14 + len(parquet(workspace))]
    changes = repo.files()["CHANGELOG.md"].decode()
    assert changes.index("## v2") < changes.index("- licence: `mit`, before `cc-by-4.0`") < changes.index("## v1")
    assert json.loads(repo.files()["films.json"])["films"]["heat"]["source"] == "a tape"


def test_a_plan_tells_sizes_and_sends_nothing(hub: Hub, workspace: Path, request_: PublishRequest) -> None:
    plan = make_plan(request_, TOKEN)
    assert hub.asked(WRITES) == []
    assert (plan.exists, plan.unchanged, plan.present) == (False, False, ())
    sizes = {file.path: file.size for file in plan.send}
    assert {path: size for path, size in sizes.items() if path.endswith(".parquet")} == {
        path: len(content) for path, content in parquet(workspace).items()
    }
    publish(request_, TOKEN)
    later = make_plan(replace(request_, licence="mit"), TOKEN)
    assert {file.path for file in later.send} == {
        "README.md", "CHANGELOG.md", "CITATION.cff", "croissant.json", "storyreasoning.json"
    }  # fmt: skip
    assert later.changes[-1] == "licence: `mit`, before `cc-by-4.0`"


def test_a_branch_other_than_main_moves_alone_and_gets_no_tag(hub: Hub, request_: PublishRequest) -> None:
    done = publish(replace(request_, revision="draft"), TOKEN)
    repo = hub.repos[REPO]
    assert done.tag == ""
    assert set(repo.branches) == {"main", "draft"}
    assert repo.tags == {}
    assert set(repo.files("main")) == {".gitattributes"}
    assert published_parquet(repo, "draft")


def other_content(hub: Hub) -> None:
    hub.repos[REPO] = Repo("ann")
    hub.repos[REPO].commit("main", {".gitattributes": Blob(b"", False), "data.csv": Blob(b"1", False)})


def public_repo(hub: Hub) -> None:
    hub.repos[REPO] = Repo("ann")
    hub.repos[REPO].commit("main", {".gitattributes": Blob(b"", False)})


def change_file(request: PublishRequest) -> PublishRequest:
    path = next((Path(request.workspace) / "dataset" / "default").iterdir())
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    return request


def add_file(request: PublishRequest) -> PublishRequest:
    (Path(request.workspace) / "dataset" / "notes.txt").write_text("mine")
    return request


def remove_file(request: PublishRequest) -> PublishRequest:
    next((Path(request.workspace) / "dataset" / "grounding").iterdir()).unlink()
    return request


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda r: replace(r, licence=""), PublishError, "film 'heat' and 1 more has no licence"),
        (lambda r: replace(r, licence="My Own"), ConfigError, "'My Own' is no licence identifier"),
        (lambda r: replace(r, repo_id="stories"), ConfigError, "give owner/name"),
        (lambda r: replace(r, repo_id="ann/..x"), ConfigError, "no name that the Hub takes"),
        (lambda r: replace(r, repo_id="bob/stories"), PublishError, "ann has no permission to publish as 'bob'"),
        (lambda r: replace(r, workspace=r.workspace + "x"), WorkspaceError, "is not a workspace"),
        (change_file, PublishError, "was changed after the build"),
        (add_file, PublishError, "notes.txt is not of the build"),
        (remove_file, PublishError, "is not whole"),
    ],
)
def test_what_does_not_hold_is_refused_before_anything_is_sent(
    hub: Hub,
    request_: PublishRequest,
    change: Callable[[PublishRequest], PublishRequest],
    error: type[StoryReasoningError],
    words: str,
) -> None:
    with pytest.raises(error, match=words) as told:
        publish(change(request_), TOKEN)
    assert "\n" not in str(told.value)
    assert hub.asked(WRITES) == []


@pytest.mark.parametrize(
    ("prepare", "private", "token", "words"),
    [
        (other_content, False, TOKEN, r"holds other content \(data.csv\): choose another name"),
        (public_repo, True, TOKEN, "is public already"),
        (public_repo, False, "hf_reader", "may only read"),
        (public_repo, False, "hf_stranger", "bob has no permission to publish as 'ann'"),
        (public_repo, False, "hf_forged", "no permission"),
        (public_repo, False, "", "no token: set HF_TOKEN"),
    ],
)
def test_a_repository_that_is_not_ours_is_left_alone(
    hub: Hub, request_: PublishRequest, prepare: Callable[[Hub], None], private: bool, token: str, words: str
) -> None:
    prepare(hub)
    with pytest.raises(PublishError, match=words) as told:
        publish(replace(request_, private=private), token)
    assert hub.asked(WRITES) == []
    assert len(hub.repos[REPO].moves) == 1
    assert not token or token not in str(told.value)


def test_a_name_that_only_the_hub_refuses(hub: Hub, request_: PublishRequest) -> None:
    with pytest.raises(
        PublishError, match=r"could not create ann/reserved \(the Hub answers 400: This name is reserved"
    ):
        publish(replace(request_, repo_id="ann/reserved"), TOKEN)
    assert hub.uploaded_bytes == 0


def test_a_workspace_that_is_being_built_is_left_alone(hub: Hub, request_: PublishRequest) -> None:
    lock = os.open(Path(request_.workspace) / ".lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        with pytest.raises(PublishError, match="is being built: publish when the build has ended"):
            publish(request_, TOKEN)
    finally:
        os.close(lock)
    assert hub.requests == []


def test_a_story_with_a_fault_is_not_published(
    hub: Hub, request_: PublishRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    from schemas import validation

    fault = validation.check_texts("", "", frame_count=5, frame_sizes=None, level="strict")[0]
    monkeypatch.setattr("tasks.check.check_texts", lambda *_, **__: (fault,))
    with pytest.raises(PublishError, match="stories break the rules"):
        publish(request_, TOKEN)
    assert hub.requests == []


def test_films_that_change_sides_are_noticed(
    hub: Hub, workspace: Path, films: Path, request_: PublishRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(request_, TOKEN)
    before = {
        name: entry["split"] for name, entry in json.loads(hub.repos[REPO].files()["films.json"])["films"].items()
    }
    fakes.install(monkeypatch.setattr)
    build(films, workspace, export={"test_ratio": 0.0})
    moved = sorted(name for name, split in before.items() if split == "test")
    with pytest.raises(PublishError, match=f"film '{moved[0]}'.* was in test in v1 and is in train now"):
        publish(request_, TOKEN)
    done = publish(replace(request_, accept_drift=True), TOKEN)
    assert done.tag == "v2"
    assert f"in the other split now: {moved[0]}" in hub.repos[REPO].files()["CHANGELOG.md"].decode()


def test_layouts_come_and_go_with_their_switch(
    hub: Hub, workspace: Path, films: Path, request_: PublishRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes.install(monkeypatch.setattr)
    build(films, workspace, export={"coco": True, "webdataset": True})
    folder = workspace / "dataset"
    extra = {f"coco/{split}.json" for split in ("train", "test")}
    extra |= {f"webdataset/{split}-000000.tar" for split in ("train", "test")}
    plan = make_plan(request_, TOKEN)
    assert {file.path: file.size for file in plan.send if file.path in extra} == {
        path: (folder / path).stat().st_size for path in extra
    }
    publish(request_, TOKEN)
    files = hub.repos[REPO].files()
    assert {path: files[path] for path in extra} == {path: (folder / path).read_bytes() for path in extra}
    card = files["README.md"].decode()
    assert "`coco/<split>.json` has the detections" in card
    assert "`webdataset/<split>-*.tar` has one sample a story" in card

    parquet_before = parquet(workspace)
    build(films, workspace)
    assert not (folder / "coco").exists()
    assert not (folder / "webdataset").exists()
    assert parquet(workspace) == parquet_before
    assert set(make_plan(request_, TOKEN).remove) == extra
    publish(request_, TOKEN)
    assert extra.isdisjoint(hub.repos[REPO].files())
    assert extra < set(hub.repos[REPO].files("v1"))


def test_numbers_that_moved_too_far_are_asked_about(hub: Hub, workspace: Path, request_: PublishRequest) -> None:
    publish(request_, TOKEN)
    repo = hub.repos[REPO]
    tree = repo.history()[-1]
    told = json.loads(tree["measurements.json"].content)
    before = {**told, "words_mean": told["words_mean"] * 2, "losses": -1.0}
    repo.commit("main", {**tree, "measurements.json": Blob(json.dumps(before).encode(), False)})
    with pytest.raises(
        PublishError, match=r"drifted from v1; words in a story: .* and 1 more: .*--accept-drift"
    ) as error:
        publish(request_, TOKEN)
    assert "\n" not in str(error.value)
    assert repo.files()["measurements.json"] == json.dumps(before).encode()
    done = publish(replace(request_, accept_drift=True), TOKEN)
    assert done.tag == "v2"
    assert "accepted drift: words in a story: " in repo.files()["CHANGELOG.md"].decode()
    assert json.loads(repo.files()["measurements.json"]) == told


def test_the_workspace_remembers_its_last_release(hub: Hub, workspace: Path, request_: PublishRequest) -> None:
    publish(replace(request_, revision="draft"), TOKEN)
    assert last_release(workspace) is None, "only main has releases"
    done = publish(request_, TOKEN)
    remembered = last_release(workspace)
    assert remembered is not None
    assert (remembered.repo_id, remembered.tag, remembered.commit) == (REPO, "v1", done.commit)
    assert remembered.measurements == json.loads(hub.repos[REPO].files()["measurements.json"])


def test_a_release_that_cannot_be_remembered_stands_all_the_same(
    hub: Hub, workspace: Path, request_: PublishRequest
) -> None:
    (workspace / "released.json").mkdir()
    told: list[str] = []
    with listening(lambda event: told.append(event.text)):
        assert publish(request_, TOKEN).tag == "v1"
    assert_one_whole_release(hub, workspace)
    assert told[-1].startswith("published, but the workspace does not remember it: ")


def test_a_release_before_there_were_measurements_is_held_against_its_record(
    hub: Hub, workspace: Path, request_: PublishRequest
) -> None:
    publish(request_, TOKEN)
    repo = hub.repos[REPO]
    tree = dict(repo.history()[-1])
    record = json.loads(tree["storyreasoning.json"].content)
    stories = {split: 10 * count for split, count in record["stories"].items()}
    tree["storyreasoning.json"] = Blob(json.dumps({**record, "dataset": "x", "stories": stories}).encode(), False)
    del tree["measurements.json"]
    repo.commit("main", tree)
    with pytest.raises(PublishError, match="drifted from v1; stories: "):
        publish(request_, TOKEN)


def slowly(*faults: Fault) -> list[ParameterSet]:
    """Cases that only the slow tests run."""
    return [pytest.param(fault, marks=pytest.mark.slow) for fault in faults]


COMMIT_STAGED, COMMIT_MAIN = f"POST .*/commit/{STAGING}", "POST .*/commit/main"


@pytest.mark.parametrize(
    "fault",
    [
        Fault("PUT /lfs/", "reset", skip=1),
        Fault(COMMIT_MAIN, "reset"),
        Fault(COMMIT_MAIN, "lost"),
        Fault("POST .*/tag/", "lost"),
        Fault("DELETE", "lost"),
        *slowly(
            Fault("POST .*/repos/create", "status"),
            Fault("POST .*/branch/", "reset", times=2),
            Fault("POST .*/branch/", "lost"),
            Fault("PUT /lfs/", "status"),
            Fault("PUT /lfs/", "lost", skip=2),
            Fault(COMMIT_STAGED, "lost"),
            Fault(COMMIT_STAGED, "status", times=3),
            Fault(COMMIT_MAIN, "status", times=2, status=500),
            Fault("GET .*/tree/", "status", times=2),
        ),
    ],
    ids=lambda fault: f"{fault.where}-{fault.kind}",
)
def test_what_fails_in_passing_does_not_show(hub: Hub, workspace: Path, request_: PublishRequest, fault: Fault) -> None:
    hub.faults.append(replace(fault))
    publish(request_, TOKEN)
    assert hub.faults[0].times == 0, "the fault was met"
    assert_one_whole_release(hub, workspace)


@pytest.mark.parametrize(
    "where",
    [
        COMMIT_MAIN,
        "/tag/",
        pytest.param(COMMIT_STAGED, marks=pytest.mark.slow),
        pytest.param("/branch/", marks=pytest.mark.slow),
        pytest.param("objects/batch", marks=pytest.mark.slow),
    ],
)
def test_what_breaks_off_is_taken_up_by_the_next_run(
    hub: Hub, workspace: Path, request_: PublishRequest, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    hub.faults.append(Fault(where, "status", times=99))
    with pytest.raises(PublishError, match="run the same command again to go on from here"):
        publish(request_, TOKEN)
    main = hub.repos[REPO].history()
    assert len(main) == (2 if where == "/tag/" else 1)
    hub.faults.clear()
    publish(request_, TOKEN)
    assert_one_whole_release(hub, workspace)
    names = [oid for oid, _ in hub.received]
    assert len(names) == len(set(names)), "what was there was not sent again"


def test_a_commit_of_somebody_else_is_not_overwritten(
    hub: Hub, request_: PublishRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*_: object) -> None:
        repo = hub.repos[REPO]
        repo.commit("main", {**repo.history()[-1], "theirs.txt": Blob(b"theirs", False)})

    monkeypatch.setattr("tasks.publish.verify_loading", meanwhile)
    with pytest.raises(PublishError, match="was changed by someone else meanwhile"):
        publish(request_, TOKEN)
    assert set(hub.repos[REPO].files()) == {".gitattributes", "theirs.txt"}
    assert hub.repos[REPO].tags == {}


def test_what_does_not_verify_is_rolled_back(
    hub: Hub, workspace: Path, request_: PublishRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise PublishError("load_dataset cannot read default")

    with monkeypatch.context() as patch:
        patch.setattr("tasks.publish.verify_loading", fail)
        with pytest.raises(PublishError, match=r"cannot read default \(main is untouched\)"):
            publish(request_, TOKEN)
    assert set(hub.repos[REPO].branches) == {"main"}
    assert len(hub.repos[REPO].history()) == 1
    publish(request_, TOKEN)
    assert_one_whole_release(hub, workspace)


def test_files_of_others_are_kept_and_damage_is_mended(hub: Hub, request_: PublishRequest) -> None:
    publish(request_, TOKEN)
    repo = hub.repos[REPO]
    tree = {**repo.history()[-1], "LICENSE": Blob(b"text", False), "README.md": Blob(b"edited", False)}
    repo.commit("main", tree)
    done = publish(request_, TOKEN)
    assert done.tag == "v2"
    assert repo.files()["LICENSE"] == b"text"
    assert repo.files()["README.md"].startswith(b"---\n")


def test_the_token_is_told_to_nobody(hub: Hub, request_: PublishRequest) -> None:
    told: list[str] = []
    hub.faults.append(Fault(COMMIT_MAIN, "status"))
    with listening(lambda event: told.append(repr(event))):
        done = publish(request_, TOKEN)
    assert told
    assert TOKEN not in "".join(told) + repr(done) + repr(make_plan(request_, TOKEN))
    assert not any(TOKEN.encode() in content for content in hub.repos[REPO].files().values())
