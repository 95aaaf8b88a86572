"""A dataset and a model in, its scores beside the last model's out.

    dataset --generate--> answers --score--> scores --compare--> report.html, card.md, model-index.json
                                       judge (where one is set up) --^

``storyreasoning evaluate`` does the scoring alone, for answers that are there already.
"""

from prefect import flow

from flows.runners import open_runner
from schemas.config import Engine
from schemas.judge_config import JudgeConfig
from tasks.evaluate_model import EvaluationRequest, EvaluationSummary
from tasks.runtime.engine import function_task

generate = function_task("generate", "tasks.evaluate_model:answer_split")
score = function_task("score", "tasks.evaluate_model:score_model")


@flow(name="evaluate-model", persist_result=False)
def evaluate_model(
    dataset: str,
    model: str,
    folder: str = "evaluations",
    split: str = "test",
    server: str = "",
    outputs: str = "",
    against: str = "",
    meteor: bool = True,
    judge: JudgeConfig | None = None,
    engine: Engine = "threads",
) -> EvaluationSummary:
    """Evaluate a model, after it was trained or on its own.

    Args:
        dataset: a dataset in the layout of StoryReasoning.
        model: a model, an adapter or the folder of a run; with ``server`` its name there; a name for ``outputs``.
        folder: where evaluations are kept, one folder a model.
        split: of the dataset.
        server: base URL of an OpenAI-compatible server that has the model; empty loads it here.
        outputs: answers that are there already; then nothing is generated.
        against: the model to compare with; empty for the one evaluated last.
        meteor: measure METEOR where Java and its package are there.
        judge: a chat model that rates the stories; None for none.
        engine: ``plain`` runs without Prefect's engine.

    Raises:
        StoryReasoningError: says what failed and what to do.
    """
    request = EvaluationRequest(dataset, folder, model, split, server, outputs, against, meteor, judge)
    with open_runner(engine) as runner:
        answers: str = runner.call(generate, request)
        summary: EvaluationSummary = runner.call(score, request, answers)
    return summary
