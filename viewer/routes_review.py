"""Review: ``/api/reviews/{key}`` for what is said of a story, ``/api/statements`` for all that was said, to take it back."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from schemas.errors import ConfigError
from tasks.runtime.reviews import ACTIONS, Review, read_reviews, remove_review, save_review
from viewer.library import UnknownStoryError
from viewer.reviewing import read_statement
from viewer.routes_live import read_body
from viewer.state import ViewerState


def routes(state: ViewerState) -> list[Route]:
    """The routes."""
    review = ReviewRoutes(state)
    return [
        Route("/api/reviews/{key}", review.list),
        Route("/api/reviews/{key}", review.say, methods=["POST"]),
        Route("/api/statements", review.list_all),
        Route("/api/statements/remove", review.take_back, methods=["POST"]),
    ]


class ReviewRoutes:
    """What the routes share: the state."""

    def __init__(self, state: ViewerState) -> None:
        self._state = state

    def _story(self, request: Request) -> tuple[Path, Mapping[str, Any]]:
        """The workspace and the story's row of the ``grounding`` config."""
        workspace = self._state.workspace
        if self._state.library is None or workspace is None:
            raise ConfigError("only stories of a workspace can be reviewed: start with 'storyreasoning view WORKSPACE'")
        try:
            grounding = self._state.library.story(request.path_params["key"]).grounding
        except UnknownStoryError as error:
            raise HTTPException(404, str(error)) from error
        if grounding is None or "story_key" not in grounding:
            raise ConfigError(
                "this story was not built in the workspace (it was saved from live mode): nothing to redo"
            )
        return workspace, grounding

    def list(self, request: Request) -> Response:
        """What is said of a story, and whether it can be reviewed at all."""
        try:
            workspace, grounding = self._story(request)
        except ConfigError as error:
            return JSONResponse({"can_review": False, "why": str(error), "reviews": [], "entities": []})
        return JSONResponse(
            {
                "can_review": True,
                "why": "",
                "reviews": _of_story(read_reviews(workspace), grounding),
                "entities": [
                    {
                        "id": one["entity_id"],
                        "kind": one["kind"],
                        "frames": [member["frame"] for member in one["members"]],
                    }
                    for one in grounding["entities"]
                ],
            }
        )

    async def say(self, request: Request) -> Response:
        """Keep a statement; it takes the place of an earlier one about the same thing."""
        value = await read_body(request)
        workspace, grounding = await run_in_threadpool(self._story, request)
        statement = read_statement(value, grounding)
        kept = await run_in_threadpool(save_review, workspace, statement)
        return JSONResponse({"reviews": _of_story(kept, grounding)})

    def list_all(self, _: Request) -> Response:
        """Everything that was said, of stories too that the last build left out for it."""
        workspace = self._state.workspace
        if workspace is None:
            return JSONResponse({"can_review": False, "statements": []})
        return JSONResponse(
            {"can_review": True, "statements": [statement_json(one) for one in read_reviews(workspace)]}
        )

    async def take_back(self, request: Request) -> Response:
        """Forget a statement."""
        value = await read_body(request)
        workspace = self._state.workspace
        place = (value.get("story_key"), value.get("action"), value.get("target"))
        if workspace is None or place[1] not in ACTIONS or not all(isinstance(one, str) for one in place):
            raise ConfigError("name the story_key, action and target of what is taken back")
        said = (str(place[0]), str(place[1]), str(place[2]))
        kept = await run_in_threadpool(remove_review, workspace, said)
        return JSONResponse({"statements": [statement_json(one) for one in kept]})


def statement_json(review: Review) -> dict[str, Any]:
    """A statement as the page takes it."""
    return {name: value for name, value in asdict(review).items() if name != "sightings"}


def _of_story(reviews: tuple[Review, ...], grounding: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [statement_json(one) for one in reviews if one.story_key == grounding["story_key"]]
