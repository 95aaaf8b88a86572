import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.main import main
from tests.hub_stand_in import running_hub
from tests.hub_state import Hub

REPO = "ann/stories"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with running_hub() as hub:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
        template = f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr("tasks.publish.verify_loading", lambda *_: None)
        monkeypatch.setenv("HF_TOKEN", "hf_writer")
        yield hub


def test_plan_publication_and_repetition_as_a_user_sees_them(
    hub: Hub, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["publish", str(workspace), REPO, "--licence", "mit"]
    assert main([*command, "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "v1 of ann/stories (new, public), onto main:"
    assert any(line.startswith("  send ") and line.endswith("  README.md") for line in lines)
    assert lines[-1].endswith("files to send; nothing was sent")
    assert hub.repos == {}

    assert main(command) == 0
    out, err = capsys.readouterr()
    assert out.startswith("published ann/stories, v1, commit ")
    assert "verified" in err
    assert main(command) == 0
    assert capsys.readouterr().out.startswith("unchanged: ann/stories, v1, commit ")
    assert main([*command, "--dry-run"]) == 0
    assert capsys.readouterr().out == "ann/stories holds this dataset already (v1): nothing to send\n"


def test_as_json(hub: Hub, workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["publish", str(workspace), REPO, "--licence", "mit", "--json"]
    assert main([*command, "--dry-run"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["event"], plan["release"], plan["exists"]) == ("plan", "v1", False)
    assert sum(plan["send"].values()) == plan["send_bytes"] > 0
    assert main(command) == 0
    done = json.loads(capsys.readouterr().out)
    assert (done["event"], done["tag"], done["sent_bytes"]) == ("published", "v1", plan["send_bytes"])


def test_errors_are_one_line(hub: Hub, workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["publish", str(workspace), REPO]) == 1
    assert capsys.readouterr().err.startswith("error: film 'heat' and 1 more has no licence: ")
    assert main(["publish", str(workspace), "stories", "--licence", "mit"]) == 2
    assert capsys.readouterr().err == "error: 'stories' is no name on the Hub: give owner/name\n"


def test_without_a_token_nothing_is_published(
    hub: Hub, workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    assert main(["publish", str(workspace), REPO, "--licence", "mit"]) == 1
    assert capsys.readouterr().err.startswith("error: no token: set HF_TOKEN")
    assert main(["publish", str(workspace), REPO, "--licence", "mit", "--dry-run"]) == 0
