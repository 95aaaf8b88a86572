"""A finished workspace in, a release on the Hub out.

    gates --> plan --> branch of its own --> every file verified --> one commit on main --> tag vN

What breaks off is taken up by the next run; what does not verify is rolled back. ``main`` moves once or not at all.
"""

import os

from prefect import flow

from flows.build_dataset import build_dataset
from flows.runners import open_runner
from schemas.config import BuildConfig, Engine
from schemas.errors import PublishError
from tasks.publish import Published, PublishRequest, publish
from tasks.runtime.engine import function_task

publish_release = function_task("publish", "flows.publish_dataset:release")


@flow(name="publish-dataset", persist_result=False)
def publish_dataset(
    workspace: str,
    repo_id: str,
    revision: str = "main",
    private: bool = False,
    licence: str = "",
    accept_drift: bool = False,
    token_block: str = "",
    engine: Engine = "threads",
) -> Published:
    """Publish the dataset of a workspace, after a build or on its own.

    Args:
        workspace: the folder of a finished build.
        repo_id: ``owner/name`` on the Hub.
        revision: the branch that comes to hold it; only releases on ``main`` get a tag.
        private: make the repository private if there is none yet.
        licence: identifier that holds for films without a licence of their own.
        accept_drift: publish though films changed their split or numbers moved too far from the last release.
        token_block: name of a Prefect ``Secret`` block with the token; without one it is ``HF_TOKEN``.
        engine: ``plain`` runs without Prefect's engine.

    Raises:
        StoryReasoningError: says what failed and what to do.
    """
    request = PublishRequest(workspace, repo_id, revision, private, licence, accept_drift)
    with open_runner(engine) as runner:
        published: Published = runner.call(publish_release, request, token_block)
    return published


@flow(name="build-and-publish", persist_result=False)
def build_and_publish(
    source: str,
    workspace: str,
    repo_id: str,
    config: BuildConfig | None = None,
    preset: str = "embedded",
    engine: Engine = "threads",
    revision: str = "main",
    private: bool = False,
    licence: str = "",
    accept_drift: bool = False,
    token_block: str = "",
) -> Published:
    """Bring the dataset of a workspace up to date, and publish it; what is published already is not sent again.

    Arguments are those of :func:`build_dataset` and :func:`publish_dataset`. A build that fails publishes nothing.

    Raises:
        StoryReasoningError: says what failed and what to do.
    """
    build = build_dataset.fn if engine == "plain" else build_dataset
    send = publish_dataset.fn if engine == "plain" else publish_dataset
    build(source, workspace, config, engine, preset)
    return send(workspace, repo_id, revision, private, licence, accept_drift, token_block, engine)


def release(request: PublishRequest, token_block: str) -> Published:
    """Publish with the token that a block or the environment holds; only its name goes through Prefect."""
    return publish(request, read_token(token_block))


def read_token(block: str = "") -> str | None:
    """The token in a Prefect ``Secret`` block, or in ``HF_TOKEN`` where no block is named; None for none.

    Raises:
        PublishError: there is no such block.
    """
    if not block:
        return os.environ.get("HF_TOKEN", "").strip() or None
    from prefect.blocks.system import Secret

    try:
        found = Secret.load(block)
    except ValueError as error:
        raise PublishError(f"Prefect has no Secret block '{block}': make one, or set HF_TOKEN") from error
    assert isinstance(found, Secret)  # noqa: S101 - outside of a running loop it is no coroutine
    return str(found.get())
