"""What the server is given when it starts: the stories, where results may be saved, and which endpoints may be asked."""

from dataclasses import dataclass, field
from pathlib import Path

from viewer.library import Library


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible server that live mode may use; the page learns its address and model, never its key."""

    url: str
    model: str = ""
    api_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ViewerState:
    """Everything that routes may use.

    Attributes:
        library: the stories that were opened; ``None`` when the viewer was started without any.
        port: port that the server listens on; the checks of ``Host`` and ``Origin`` accept no other.
        place: what was opened, as it was typed.
        workspace: the workspace that was opened, where live results and reviews are saved; ``None`` for a dataset.
        endpoints: the only addresses that requests are forwarded to.
    """

    library: Library | None
    port: int
    place: str = ""
    workspace: Path | None = None
    endpoints: tuple[Endpoint, ...] = ()
