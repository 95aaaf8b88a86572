"""A tiny Qwen2.5-VL taught, stopped, taught on, merged, asked and scored; and what is refused before anything is loaded."""

import json
import math
import os
import shutil
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from schemas.errors import ConfigError, ModelError, ShardError
from schemas.model_output import join_output
from schemas.training_config import read_settings
from tasks.runtime.progress import Event, listening
from tasks.train import Tuned, finetune
from tasks.training.checkpoints import newest_whole
from tests.tasks.conftest import Tiny
from tests.tiny_stories import tell

pytestmark = pytest.mark.slow

SMALL = {"lora_rank": 4, "batch_size": 2, "epochs": 3, "learning_rate": 1e-2, "save_steps": 2}
"""Six steps."""


def teach(base: Path, stories: Path, out: Path, **given: object) -> Tuned:
    return finetune(str(base), stories, out, read_settings(given))


def load_weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return {name: tensor for path in sorted(folder.glob("*.safetensors")) for name, tensor in load_file(path).items()}


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(tensor.equal(other[name]) for name, tensor in one.items())


@pytest.fixture(scope="module")
def adapter(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    return teach(tiny.base, tiny.stories, tmp_path_factory.mktemp("lora") / "run", **SMALL)


def test_adapters_are_put_on_the_attention_of_the_language_model_alone(tiny: Tiny, adapter: Tuned) -> None:
    assert (adapter.finished, adapter.steps, adapter.resumed_from) == (True, 6, 0)
    weights = load_weights(adapter.folder / "model")
    assert len(weights) == 2 * 4 * 2, "two matrices for q, k, v and o of two layers"
    assert all(".language_model.layers." in name and ".self_attn." in name for name in weights)
    assert adapter.losses[6] < adapter.losses[1] == pytest.approx(math.log(600), rel=0.05)
    assert list((adapter.folder / "tensorboard").glob("events.*"))
    told = json.loads((adapter.folder / "model" / "storyreasoning.json").read_text())
    assert (told["model"], told["lora_rank"], told["lora_alpha"]) == (str(tiny.base), 4, 8)
    assert not list((adapter.folder / "model").glob("*.bin"))


def stop_at(step: int, number: int) -> Any:
    """A listener that sends a signal to this process when a step is told, which is when the next one begins."""

    def listen(event: Event) -> None:
        if event.text.startswith(f"step {step} "):
            os.kill(os.getpid(), number)

    return listen


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped_and_gone_on_with_is_as_though_nothing_had_been(
    tiny: Tiny, adapter: Tuned, tmp_path: Path, number: int
) -> None:
    out = tmp_path / "run"
    with listening(stop_at(2, number)):
        stopped = teach(tiny.base, tiny.stories, out, **SMALL)
    assert (stopped.finished, stopped.steps) == (False, 3)
    assert not (out / "model").exists()
    if number == signal.SIGTERM:
        # The newest checkpoint was cut off as by a full disk: the one before it counts.
        cut = out / "checkpoints" / "checkpoint-3" / "optimizer.pt"
        cut.write_bytes(cut.read_bytes()[:-100])
        newest = newest_whole(out / "checkpoints")
        assert newest is not None
        assert newest.name == "checkpoint-2"
    resumed = teach(tiny.base, tiny.stories, out, **SMALL)
    assert (resumed.finished, resumed.steps) == (True, 6)
    assert resumed.resumed_from == (2 if number == signal.SIGTERM else 3)
    assert resumed.losses == adapter.losses
    assert same(load_weights(out / "model"), load_weights(adapter.folder / "model"))
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    done = teach(tiny.base, tiny.stories, out, **SMALL)
    assert (done.steps, done.resumed_from) == (6, 6), "nothing is done twice"
    with pytest.raises(ConfigError, match="differs in lora_alpha, lora_rank"):
        teach(tiny.base, tiny.stories, out, **{**SMALL, "lora_rank": 2})


def test_language_only_leaves_the_vision_tower_as_it_is(tiny: Tiny, tmp_path: Path) -> None:
    teach(tiny.base, tiny.stories, tmp_path / "run", method="language-only", batch_size=4, epochs=2, learning_rate=1e-2)
    before, after = load_weights(tiny.base), load_weights(tmp_path / "run" / "model")
    kept = {name for name in before if before[name].equal(after[name])}
    assert kept == {name for name in before if "visual." in name}


@pytest.mark.parametrize("method", ["lora", "language-only"])
def test_features_of_a_frozen_tower_are_kept_and_change_nothing(tiny: Tiny, tmp_path: Path, method: str) -> None:
    given = {"method": method, "batch_size": 2, "epochs": 2, "learning_rate": 1e-3, "save_steps": 2}
    plain = teach(tiny.base, tiny.stories, tmp_path / "plain", **given)
    kept = teach(tiny.base, tiny.stories, tmp_path / "kept", cache_features=True, **given)
    assert kept.losses == pytest.approx(plain.losses, abs=1e-4)
    files = {path: path.read_bytes() for path in (tmp_path / "kept" / "features").iterdir()}
    assert files
    # What is kept is what would be worked out again, bit for bit, and a damaged file is worked out again.
    again = tmp_path / "again"
    shutil.copytree(tmp_path / "kept" / "features", again / "features")
    first = min(again.glob("features/*"))
    first.write_bytes(first.read_bytes()[:20])
    repeated = teach(tiny.base, tiny.stories, again, cache_features=True, **given)
    assert repeated.losses == kept.losses
    assert {path.name: path.read_bytes() for path in (again / "features").iterdir()} == {
        path.name: content for path, content in files.items()
    }


def test_the_tower_is_asked_once_a_picture(tiny: Tiny, tmp_path: Path) -> None:
    import torch

    from tasks.training.collate import StoryCollator
    from tasks.training.features import remember_features
    from tasks.training.network import load_network, load_processor

    network = load_network(tiny.base, torch.float32).eval()
    batch = StoryCollator(load_processor(tiny.base))(_row() * 2)
    with torch.no_grad():
        plain = network(**batch).logits
        asked: list[int] = []
        look = network.model.visual.forward
        network.model.visual.forward = lambda *given, **named: (asked.append(1), look(*given, **named))[1]
        remember_features(network.model.visual, tmp_path)
        first, second = network(**batch).logits, network(**batch).logits
    assert len(asked) == 1, "both rows show one picture"
    assert first.equal(second)
    assert torch.allclose(plain, first, atol=1e-5)


def test_preferences_are_learned(tiny: Tiny, tmp_path: Path) -> None:
    given = {"objective": "dpo", "lora_rank": 8, "batch_size": 1, "epochs": 12, "learning_rate": 5e-3}
    told = teach(tiny.base, tiny.one, tmp_path / "run", **given)
    assert told.losses[1] == pytest.approx(math.log(2), abs=1e-3), "a model prefers nothing to begin with"
    assert told.losses[max(told.losses)] < 0.5
    assert load_weights(tmp_path / "run" / "model").keys()


@pytest.fixture(scope="module")
def learned(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows one story by heart."""
    out = tmp_path_factory.mktemp("full") / "run"
    teach(tiny.base, tiny.one, out, method="full", batch_size=1, epochs=150, learning_rate=1e-2, save_steps=1000)
    return out


def test_one_story_learned_by_heart_is_told_exactly_and_scored_as_perfect(
    tiny: Tiny, learned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from cli.main import main

    out = tmp_path / "answers.jsonl"
    ask = ["generate", str(learned), str(tiny.one), "--out", str(out), "--temperature", "0", "--max-new-tokens", "1500"]
    assert main(ask) == 0
    assert json.loads(out.read_text()) == {"story_id": "0", "output": join_output(*tell(0)), "finish": "stop"}
    capsys.readouterr()
    assert main(["evaluate", str(out), "--references", str(tiny.one), "--no-meteor", "--json"]) == 0
    measures = json.loads(capsys.readouterr().out)["measures"]
    for name in ("boxes.all.f1", "format.strict", "tags.all.f1", "language.bleu_4"):
        assert measures[name]["value"] == pytest.approx(1), name


def test_sampled_answers_are_the_same_however_often_it_breaks_off(tiny: Tiny, tmp_path: Path) -> None:
    from tasks.generate import Sampling, generate_answers

    def ask(name: str) -> bytes:
        told = generate_answers(
            str(tiny.base), tiny.stories, tmp_path / name, split="train", sampling=Sampling(max_new_tokens=12)
        )
        assert told.cut == told.answered
        return told.out.read_bytes()

    whole = ask("a.jsonl")
    shutil.copy(tmp_path / "a.run.json", tmp_path / "b.run.json")
    (tmp_path / "b.jsonl").write_bytes(whole[: whole.index(b"\n") + 20])
    assert ask("b.jsonl") == whole
    assert len({json.loads(line)["output"] for line in whole.splitlines()}) == 4


def test_merged_is_the_adapter_on_its_base(tiny: Tiny, adapter: Tuned, tmp_path: Path) -> None:
    import torch

    from tasks.merge import merge
    from tasks.training.adapter import load_trained, locate_trained
    from tasks.training.collate import StoryCollator
    from tasks.training.network import load_processor

    out = merge(str(adapter.folder), tmp_path / "merged", dtype="float32")
    batch = StoryCollator(load_processor(out))(_row())
    with torch.no_grad():
        apart, base, merged = (
            load_trained(locate_trained(str(place)), torch.float32).eval()(**batch).logits
            for place in (adapter.folder, tiny.base, out)
        )
    assert torch.allclose(apart, merged, atol=1e-5)
    assert not torch.allclose(base, merged, atol=1e-3)
    with pytest.raises(ConfigError, match="exists: name a new folder"):
        merge(str(adapter.folder), out)


def _row() -> list[dict[str, Any]]:
    from tests.tiny_stories import paint_frame

    return [{"images": [paint_frame(0, 1)], "answer": "Ines turned."}]


def test_an_adapter_of_another_base_is_refused(tiny: Tiny, adapter: Tuned, tmp_path: Path) -> None:
    from tasks.merge import merge
    from tests.tiny_vlm import write_tiny_vlm

    other = write_tiny_vlm(tmp_path / "other", ["\n".join(tell(0))], seed=1)
    with pytest.raises(ConfigError, match="was trained on another base than"):
        merge(str(adapter.folder), tmp_path / "merged", base=str(other))
    assert not (tmp_path / "merged").exists()
    with pytest.raises(ConfigError, match="holds checkpoints of another base model"):
        teach(other, tiny.stories, adapter.folder, **SMALL)


def test_models_that_are_not_taken(tiny: Tiny, adapter: Tuned, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no model at nowhere"):
        teach(Path("./nowhere"), tiny.stories, tmp_path / "out")
    with pytest.raises(ConfigError, match="is an adapter: make it whole"):
        teach(adapter.folder / "model", tiny.stories, tmp_path / "out")
    place = Path(shutil.copytree(tiny.base, tmp_path / "copy"))
    weights = place / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1])
    with pytest.raises(ModelError, match="damaged or no safetensors"):
        teach(place, tiny.stories, tmp_path / "out")
    weights.rename(place / "pytorch_model.bin")
    with pytest.raises(ConfigError, match="other weights can hold code"):
        teach(place, tiny.stories, tmp_path / "out")
    (place / "config.json").write_text('{"model_type": "llava"}')
    with pytest.raises(ConfigError, match="is of the architecture llava"):
        teach(place, tiny.stories, tmp_path / "out")
    assert not (tmp_path / "out" / "checkpoints").exists()


def test_too_little_memory_is_told_before_anything_is_loaded(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.train.available_memory", lambda: 1_000_000)
    with pytest.raises(ConfigError, match=r"lora on 0.0 B parameters needs about .* here no method fits"):
        teach(tiny.base, tiny.stories, tmp_path / "out")
    assert not (tmp_path / "out" / "run.json").exists()


def test_trackers(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown tracker 'wandbb'; did you mean 'wandb'"):
        teach(tiny.base, tiny.stories, tmp_path / "out", tracker="wandbb")
    with pytest.raises(ConfigError, match="the tracker wandb is not installed"):
        teach(tiny.base, tiny.stories, tmp_path / "out", tracker="wandb")


def test_a_loss_that_is_no_number_ends_the_run(tiny: Tiny) -> None:
    from tasks.training.trainers import Keeper, Stop

    state = SimpleNamespace(global_step=3, max_steps=9, is_world_process_zero=True)
    keeper = Keeper(Stop())
    keeper.on_log(None, state, None, logs={"loss": 0.5})
    with pytest.raises(ShardError, match=r"the loss of step 3 is nan: lower --learning-rate"):
        keeper.on_log(None, state, None, logs={"loss": math.nan})


def test_the_order_of_an_epoch_is_its_own_and_the_same_again(tiny: Tiny) -> None:
    from tasks.training.trainers import LengthSampler

    lengths = [7 * k % 50 for k in range(23)]
    sampler = LengthSampler(lengths, 4, seed=1)
    first = list(sampler)
    assert sorted(first) == list(range(23))
    assert first == list(LengthSampler(lengths, 4, seed=1))
    full = [first[at : at + 4] for at in range(0, 20, 4)]
    spans = [max(lengths[k] for k in batch) - min(lengths[k] for k in batch) for batch in full]
    assert max(spans) < 20, "neighbours are of about one length"
    sampler.set_epoch(1)
    assert list(sampler) != first
