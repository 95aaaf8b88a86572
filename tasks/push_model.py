"""``push_model``: a model on the Hub in one commit, with a card that tells what was measured and nothing else.

In: the folder of a model or an adapter, and scores of ``evaluate --json``. Out: a commit on ``main`` with safetensors, processor,
provenance and card. Invariants: no pickles, no paths of this machine, no token in any message; ``main`` moves once or not at all.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.errors import ConfigError, PublishError, SourceError
from tasks.training.adapter import read_provenance
from tasks.training.network import ADAPTER_CONFIG
from tasks.training.prompt import SYSTEM_PROMPT

KEPT = ("*.safetensors", "*.json", "*.jinja", "*.txt")
RUN_FILES = {"run.json", "finetune.json", "samples.json", "whole.json"}
_REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_TOLD = (
    "format.readable",
    "format.strict",
    "boxes.char.precision",
    "boxes.char.recall",
    "boxes.obj.precision",
    "boxes.obj.recall",
    "boxes.all.f1",
    "identity.char.idf1",
    "tags.all.f1",
    "pronouns.any.grounded",
    "language.bleu_4",
    "language.rouge_l",
)


@dataclass(frozen=True, slots=True)
class Pushed:
    """Where a model is; ``unchanged`` where it was there already."""

    repo_id: str
    commit: str
    files: int
    unchanged: bool


def weights_folder(model: Path) -> Path:
    """The folder that holds the weights: of a run its ``model/``.

    Raises:
        ConfigError: there are none.
    """
    folder = model / "model" if (model / "model").is_dir() else model
    if not list(folder.glob("*.safetensors")):
        raise ConfigError(f"{model} holds no .safetensors: give the folder of a run, an adapter or a model")
    return folder


def read_scores(path: Path) -> Mapping[str, Any]:
    """What ``evaluate --json`` printed.

    Raises:
        SourceError: it is something else.
    """
    try:
        scores = json.loads(path.read_text(encoding="utf-8"))
        for one in scores["measures"].values():
            if one["value"] is not None:
                float(one["value"])
        str(scores["split"]), int(scores["references"]), str(scores["mode"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(f"{path} is not what 'storyreasoning evaluate --json' prints") from error
    return dict(scores)


def push_model(
    model: Path,
    repo_id: str,
    token: str,
    *,
    scores: Mapping[str, Any] | None = None,
    dataset: str = "",
    licence: str = "apache-2.0",
    private: bool = False,
) -> Pushed:
    """Push a model; what is there already makes no commit.

    Raises:
        ConfigError: the name is no ``owner/name``, there is no token or nothing to push.
        PublishError: the Hub refused, or could not be reached; ``main`` is as it was.
    """
    folder = weights_folder(model)
    card = make_card(folder, repo_id, scores, dataset, licence)
    if not token:
        raise ConfigError("HF_TOKEN is not set: make a token with the role 'write' and set it")
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

    api = HfApi(token=token, library_name="storyreasoning")
    files = sorted({path for pattern in KEPT for path in folder.glob(pattern) if path.name not in RUN_FILES})
    operations = [CommitOperationAdd(path.name, _content(path)) for path in files]
    operations.append(CommitOperationAdd("README.md", card.encode()))
    try:
        try:
            before = str(api.model_info(repo_id).sha)
        except RepositoryNotFoundError:
            api.create_repo(repo_id, private=private or None)
            before = str(api.model_info(repo_id).sha)
        done = api.create_commit(
            repo_id, operations, commit_message="storyreasoning push-model", parent_commit=before, revision="main"
        )
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise _explain(repo_id, error) from error
    return Pushed(repo_id, str(done.oid), len(operations), str(done.oid) == before)


def _content(path: Path) -> str | bytes:
    """The file, or its text without the place at which the base lay here."""
    if path.name not in (ADAPTER_CONFIG, "storyreasoning.json"):
        return str(path)
    value = json.loads(path.read_text(encoding="utf-8"))
    for name in ("base_model_name_or_path", "model"):
        if name in value:
            value[name] = _public_name(str(value[name]))
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()


def _public_name(model: str) -> str:
    return model if _REPO.fullmatch(model) else Path(model).name


def _explain(repo_id: str, error: Exception) -> PublishError:
    status = getattr(getattr(error, "response", None), "status_code", None)
    told = " ".join(str(getattr(error, "server_message", None) or error).split())[:200]
    if status in (401, 403):
        return PublishError(
            f"could not push {repo_id} (the Hub answers {status}: {told}): HF_TOKEN may not write there"
        )
    what = f"the Hub answers {status}: {told}" if status else told
    return PublishError(f"could not push {repo_id} ({what}); main is as it was: run the same command again")


def make_card(
    folder: Path, repo_id: str, scores: Mapping[str, Any] | None, dataset: str = "", licence: str = "apache-2.0"
) -> str:
    """The model card: YAML front matter with ``model-index``, then what it is and how to use it.

    Raises:
        ConfigError: a name is none.
    """
    for name, value in (("REPO_ID", repo_id), *([("--dataset", dataset)] if dataset else [])):
        if not _REPO.fullmatch(value):
            raise ConfigError(f"{name} '{value}' is no owner/name on the Hub")
    if not re.fullmatch(r"[a-z0-9.-]+", licence):
        raise ConfigError(f"--licence '{licence}' is no identifier such as apache-2.0")
    run = read_provenance(folder)
    adapter = (folder / ADAPTER_CONFIG).exists()
    front = _front_matter(repo_id, run, scores, dataset, licence, adapter=adapter)
    # JSON is YAML, and escapes whatever a name may hold.
    lines = ["---", *(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in front.items()), "---", ""]
    lines += [f"# {repo_id.split('/')[1]}", "", _describe(run, adapter=adapter), ""]
    lines += ["## Results", "", *_results(scores), ""]
    if run:
        shown = ("method", "objective", "lora_rank", "batch_size", "learning_rate", "epochs", "max_tokens", "seed")
        lines += ["## Training", "", "| setting | value |", "|---|---|"]
        lines += [f"| {name} | {run[name]} |" for name in shown if run.get(name) is not None]
        lines += ["", f"Base weights sha256 `{run.get('base', '')}`, samples sha256 `{run.get('samples', '')}`.", ""]
    served = "MERGED" if adapter else repo_id
    first = [f"storyreasoning merge {repo_id.split('/')[1]} --out MERGED"] if adapter else []
    lines += ["## Use", "", "```", *first]
    lines += [f"vllm serve {served} --max-model-len 32768 --limit-mm-per-prompt '{{\"image\": 22}}'"]
    lines += ["```", "", "Pictures first, then the request, under this system prompt:", "", f"> {SYSTEM_PROMPT}", ""]
    return "\n".join(lines)


def _front_matter(
    repo_id: str, run: Mapping[str, Any], scores: Mapping[str, Any] | None, dataset: str, licence: str, *, adapter: bool
) -> dict[str, Any]:
    front: dict[str, Any] = {"license": licence, "pipeline_tag": "image-text-to-text", "tags": ["storyreasoning"]}
    front["library_name"] = "peft" if adapter else "transformers"
    base = _public_name(str(run.get("model", "")))
    if _REPO.fullmatch(base):
        front["base_model"] = base
    if dataset:
        front["datasets"] = [dataset]
    metrics = _metrics(scores)
    if metrics:
        assert scores is not None  # noqa: S101 - metrics come from them
        front["model-index"] = [
            {
                "name": repo_id.split("/")[1],
                "results": [
                    {
                        "task": {"type": "image-text-to-text"},
                        "dataset": {
                            "name": dataset or "StoryReasoning layout",
                            "type": dataset or "local",
                            "split": scores["split"],
                        },
                        "metrics": [{"type": n, "name": n, "value": v} for n, v, *_ in metrics],
                    }
                ],
            }
        ]
    return front


def _metrics(scores: Mapping[str, Any] | None) -> list[tuple[str, float, float | None, float | None]]:
    if scores is None:
        return []
    found = scores["measures"]
    names = _TOLD if scores["mode"] == "strict" else tuple(found)
    return [
        (name, round(float(found[name]["value"]), 4), found[name].get("low"), found[name].get("high"))
        for name in names
        if name in found and found[name]["value"] is not None
    ]


def _results(scores: Mapping[str, Any] | None) -> list[str]:
    metrics = _metrics(scores)
    if scores is None or not metrics:
        return ["Not measured."]
    rows = [
        f"| {name} | {value:.4f} | {f'{low:.3f} to {high:.3f}' if low is not None and high is not None else ''} |"
        for name, value, low, high in metrics
    ]
    told = f"{scores['references']} stories of the split `{scores['split']}`, `storyreasoning evaluate`, {scores['mode']} mode."
    return [told, "", "| measure | value | 95 % interval |", "|---|---|---|", *rows]


def _describe(run: Mapping[str, Any], *, adapter: bool) -> str:
    base = _public_name(str(run.get("model", ""))) or "Qwen2.5-VL"
    kind = "An adapter (LoRA) for" if adapter else "Made from"
    taught = "taught to prefer true answers to adversarial ones (DPO)" if run.get("objective") == "dpo" else "taught"
    return f"{kind} {base}, {taught} on grounded stories over sequences of film frames."
