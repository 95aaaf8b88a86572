"""``/api/export/{key}``: a story of the library as a file."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from viewer.exporting import ExportStory, download
from viewer.frames import inspect_image
from viewer.library import UnknownStoryError
from viewer.state import ViewerState


def routes(state: ViewerState) -> list[Route]:
    """The routes."""

    def export(request: Request) -> Response:
        """The story in the format that ``?format=`` names."""
        if state.library is None:
            raise HTTPException(404, "no stories were opened: start with 'storyreasoning view WORKSPACE'")
        try:
            row = state.library.story(request.path_params["key"])
        except UnknownStoryError as error:
            raise HTTPException(404, str(error)) from error
        images = []
        for content in row.images:
            found = inspect_image(content) if content else None
            images.append((found[0], content, found[1]) if found and content else None)
        title = f"{row.entry.film or 'Story'} {row.entry.story_id}".strip()
        made = {"model": str((row.grounding or {}).get("model") or (row.grounding or {}).get("drafter") or "")}
        exported = ExportStory(title, row.chain_of_thought, row.story, tuple(images), made)
        return download(exported, request.query_params.get("format", "html"))

    return [Route("/api/export/{key}", export)]
