"""A dataset in, a model that was taught it out, merged and with its answers to the test split.

finetune --> merge --> generate
"""

from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel, ConfigDict

from schemas.errors import ShardError
from schemas.training_config import TrainingSettings


class FinetuneResult(BaseModel):
    """Where everything is; what was not asked for is empty."""

    model_config = ConfigDict(frozen=True)

    run: str
    steps: int
    model: str = ""
    answers: str = ""


@task(name="train", cache_policy=NO_CACHE, persist_result=False)
def run_training(model: str, dataset: str, out: str, settings: TrainingSettings, split: str) -> int:
    """Train, or go on; gives the steps."""
    from tasks.train import finetune as train

    tuned = train(model, Path(dataset), Path(out), settings, split)
    if not tuned.finished:
        raise ShardError(f"training was stopped after step {tuned.steps}: run again to go on from there")
    return tuned.steps


@task(name="merge", cache_policy=NO_CACHE, persist_result=False)
def run_merge(run: str, out: str, dtype: str) -> str:
    """Merge, unless that was done for these weights."""
    from tasks.merge import is_merged, merge

    return out if is_merged(run, Path(out), dtype) else str(merge(run, Path(out), dtype=dtype))


@task(name="generate", cache_policy=NO_CACHE, persist_result=False)
def run_generation(model: str, dataset: str, out: str, split: str, max_new_tokens: int) -> str:
    """Answer what is not answered yet."""
    from tasks.generate import Sampling, generate_answers

    told = generate_answers(model, Path(dataset), Path(out), split=split, sampling=Sampling(max_new_tokens))
    return str(told.out)


@flow(name="finetune", persist_result=False)
def finetune(
    dataset: str,
    model: str,
    out: str,
    settings: TrainingSettings | None = None,
    split: str = "train",
    test_split: str = "test",
    dtype: str = "bfloat16",
    max_new_tokens: int = 16_384,
) -> FinetuneResult:
    """Teach a model, merge it and have it answer the test split; a run that failed goes on where it stopped.

    Args:
        dataset: folder in the layout of StoryReasoning.
        model: a folder, or ``owner/name`` on the Hub.
        out: folder of the run; gets ``model/``, ``merged/`` and ``answers.jsonl``.
        settings: how to train.
        split: that is learned.
        test_split: that is answered; empty for none.
        dtype: of the merged model.
        max_new_tokens: of an answer.

    Raises:
        StoryReasoningError: says what failed and what to do.
    """
    steps = run_training(model, dataset, out, settings or TrainingSettings(), split)
    merged = run_merge(out, f"{out}/merged", dtype)
    answers = run_generation(merged, dataset, f"{out}/answers.jsonl", test_split, max_new_tokens) if test_split else ""
    return FinetuneResult(run=out, steps=steps, model=merged, answers=answers)
