"""The flows that publish, without Prefect's engine; and once with it, the token in a block."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.publish_dataset import build_and_publish, publish_dataset, read_token
from schemas.errors import PublishError, SourceError
from tasks.publish import Published
from tests import fakes
from tests.e2e.building import config
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


def test_a_build_is_published_and_the_same_build_sends_nothing(
    hub: Hub, films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes.install(monkeypatch.setattr)

    def publish() -> Published:
        return build_and_publish.fn(str(films), str(tmp_path / "w"), REPO, config(), "test", "plain", licence="mit")

    first = publish()
    assert (first.tag, first.unchanged) == ("v1", False)
    again = publish()
    assert (again.commit, again.unchanged, again.sent_bytes) == (first.commit, True, 0)


def test_a_build_that_fails_publishes_nothing(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        build_and_publish.fn(str(tmp_path / "nowhere"), str(tmp_path / "w"), REPO, config(), "test", "plain")
    assert hub.requests == []


def test_a_token_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", " hf_x\n")
    assert read_token() == "hf_x"
    monkeypatch.delenv("HF_TOKEN")
    assert read_token() is None


@pytest.mark.slow
@pytest.mark.xdist_group("prefect server")
@pytest.mark.usefixtures("prefect_server")
def test_prefect_runs_it_with_a_token_that_only_its_block_knows(
    hub: Hub, workspace: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from prefect.blocks.system import Secret
    from prefect.client.orchestration import get_client

    monkeypatch.delenv("HF_TOKEN")
    Secret(value="hf_writer").save("hub-token")
    done = publish_dataset(str(workspace), REPO, licence="cc-by-4.0", token_block="hub-token")  # noqa: S106 - a name
    assert done.tag == "v1"
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs()
        assert [run.name for run in runs if run.state and run.state.is_completed()]
        told = "".join(run.model_dump_json() for run in runs)
    assert "hub-token" in told
    assert "hf_writer" not in told + caplog.text
    with pytest.raises(PublishError, match="no Secret block 'other'"):
        read_token("other")
