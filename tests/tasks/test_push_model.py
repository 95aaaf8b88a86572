"""A model pushed to a Hub on loopback: one commit, a card of what was measured, and nothing of this machine."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.errors import ConfigError, PublishError, SourceError
from tasks.push_model import make_card, push_model, read_scores, weights_folder
from tests.hub_stand_in import running_hub
from tests.hub_state import Fault, Hub

REPO = "ann/storyteller"
TOKEN = "hf_writer"  # noqa: S105 - of the stand-in
RUN = {
    "model": "Qwen/Qwen2.5-VL-7B-Instruct",
    "base": "b" * 64,
    "samples": "s" * 64,
    "method": "lora",
    "objective": "story",
    "lora_rank": 64,
    "batch_size": 32,
    "learning_rate": 1e-4,
    "epochs": 4.0,
    "seed": 0,
}
SCORES: dict[str, Any] = {
    "mode": "strict",
    "split": "test",
    "references": 626,
    "measures": {
        "boxes.all.f1": {"value": 0.41234, "low": 0.4, "high": 0.43},
        "language.bleu_4": {"value": 0.057, "low": None, "high": None},
        "format.strict": {"value": None, "low": None, "high": None},
    },
}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A Hub that the client of this process talks to."""
    with running_hub() as hub:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        yield hub


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a finished run."""
    model = tmp_path / "run" / "model"
    model.mkdir(parents=True)
    (model / "adapter_model.safetensors").write_bytes(b"weights")
    base = {"base_model_name_or_path": str(tmp_path / "models" / "base"), "r": 64}
    (model / "adapter_config.json").write_text(json.dumps(base))
    (model / "storyreasoning.json").write_text(json.dumps(RUN))
    (model / "training_args.bin").write_bytes(b"a pickle")
    (tmp_path / "run" / "samples.json").write_text("{}")
    return tmp_path / "run"


def front_matter(card: str) -> dict[str, Any]:
    value: dict[str, Any] = yaml.safe_load(card.split("---\n")[1])
    return value


def test_one_commit_with_the_card_and_no_pickles(hub: Hub, run: Path, tmp_path: Path) -> None:
    done = push_model(run, REPO, TOKEN, scores=SCORES, dataset="ann/stories")
    repo = hub.repos[REPO]
    assert (done.commit, done.unchanged) == (repo.branches["main"], False)
    files = repo.files()
    assert set(files) == {
        ".gitattributes",
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
        "storyreasoning.json",
    }
    assert files["adapter_model.safetensors"] == b"weights"
    assert json.loads(files["adapter_config.json"]) == {"base_model_name_or_path": "base", "r": 64}
    assert all(str(tmp_path).encode() not in content for content in files.values())
    assert len(repo.history()) == 2
    again = push_model(run, REPO, TOKEN, scores=SCORES, dataset="ann/stories")
    assert (again.unchanged, again.commit) == (True, done.commit)


def test_the_card_tells_what_was_measured(run: Path) -> None:
    card = make_card(run / "model", REPO, SCORES, "ann/stories")
    front = front_matter(card)
    assert front["base_model"] == "Qwen/Qwen2.5-VL-7B-Instruct"
    assert front["library_name"] == "peft"
    (entry,) = front["model-index"]
    assert entry["results"][0]["metrics"] == [
        {"type": "boxes.all.f1", "name": "boxes.all.f1", "value": 0.4123},
        {"type": "language.bleu_4", "name": "language.bleu_4", "value": 0.057},
    ]
    assert entry["results"][0]["dataset"] == {"name": "ann/stories", "type": "ann/stories", "split": "test"}
    assert "| boxes.all.f1 | 0.4123 | 0.400 to 0.430 |" in card
    assert "626 stories of the split `test`" in card
    assert "| lora_rank | 64 |" in card


def test_what_was_not_measured_is_not_told(run: Path) -> None:
    card = make_card(run / "model", REPO, None)
    assert "Not measured." in card
    assert "model-index" not in front_matter(card)


@pytest.mark.parametrize(
    ("name", "dataset", "licence", "told"),
    [
        ("storyteller", "", "mit", "REPO_ID 'storyteller' is no owner/name"),
        (REPO, "x\ny: z", "mit", "--dataset"),
        (REPO, "", "MIT License", "no identifier such as apache-2.0"),
    ],
)
def test_names_that_are_none(run: Path, name: str, dataset: str, licence: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        make_card(run / "model", name, None, dataset, licence)


def test_no_token_no_rights_and_a_hub_out_of_order(hub: Hub, run: Path) -> None:
    with pytest.raises(ConfigError, match="HF_TOKEN is not set"):
        push_model(run, REPO, "")
    with pytest.raises(PublishError, match="may not write there") as caught:
        push_model(run, REPO, "hf_stranger")
    assert "hf_stranger" not in str(caught.value)
    assert REPO not in hub.repos
    push_model(run, REPO, TOKEN)
    before = hub.repos[REPO].branches["main"]
    (run / "model" / "adapter_model.safetensors").write_bytes(b"other weights")
    hub.faults.append(Fault(r"/commit/", "status", times=100, status=500))
    with pytest.raises(PublishError, match="main is as it was"):
        push_model(run, REPO, TOKEN)
    assert hub.repos[REPO].branches["main"] == before


def test_what_is_no_model_and_what_are_no_scores(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"holds no \.safetensors"):
        weights_folder(tmp_path)
    (tmp_path / "scores.json").write_text('{"measures": []}')
    with pytest.raises(SourceError, match="is not what 'storyreasoning evaluate --json' prints"):
        read_scores(tmp_path / "scores.json")
    (tmp_path / "scores.json").write_text(json.dumps(SCORES))
    assert read_scores(tmp_path / "scores.json") == SCORES
