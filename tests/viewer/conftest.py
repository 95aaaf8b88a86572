"""One small dataset, opened."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.viewer.datasets import Sample, many, write_dataset
from viewer.library import Library
from viewer.places import find_place
from viewer.server import make_app
from viewer.state import Endpoint, ViewerState

PORT = 8420


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 stories for training over five films, 3 for testing of another."""
    tests = [Sample(f"t{n}", film="the end", frames=5 + n) for n in range(3)]
    return write_dataset(tmp_path_factory.mktemp("stories") / "set", list(many(30)), tests)


@pytest.fixture
def library(dataset: Path) -> Iterator[Library]:
    """The dataset, opened."""
    with Library(find_place(str(dataset))) as opened:
        yield opened


OpenClient = Callable[..., TestClient]


@pytest.fixture
def client_for() -> Iterator[OpenClient]:
    """Opens a place as a browser on loopback would see it."""
    opened: list[Library] = []

    def open_place(place: Path | None, endpoints: tuple[Endpoint, ...] = ()) -> TestClient:
        found = Library(find_place(str(place))) if place is not None else None
        if found is not None:
            opened.append(found)
        workspace = found.place.workspace if found else None
        state = ViewerState(found, PORT, str(place or ""), workspace, endpoints)
        return TestClient(make_app(state), base_url=f"http://127.0.0.1:{PORT}", raise_server_exceptions=False)

    yield open_place
    for library in opened:
        library.close()


@pytest.fixture
def client(client_for: OpenClient, dataset: Path) -> TestClient:
    """The small dataset behind the server."""
    return client_for(dataset)
