"""Fetching weights: from a server on loopback, from caches in the hub's layout, and not at all."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from schemas.errors import ModelError
from tasks.models.hub import check_digest, fetch, is_offline, weights_folder
from tasks.models.options import Options
from tasks.models.production import ProductionModel
from tests.tasks.models.production.networks import listed

CONTENT = b"weights " * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
COMMIT = "c" * 40


class Server(ThreadingHTTPServer):
    """Answers every path with what is set; counts."""

    content = CONTENT
    status = 200
    asked = 0


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        server.asked += 1
        self.send_response(server.status)
        self.send_header("Content-Length", str(len(server.content)))
        self.end_headers()
        self.wfile.write(server.content)

    def log_message(self, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _online(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("STORYREASONING_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


def by_address(server: Server, sha256: str = SHA256) -> ProductionModel:
    return listed(
        "yolo26m", "detector", url=f"http://127.0.0.1:{server.server_port}/yolo26m.pt", file="yolo26m.pt", sha256=sha256
    )


def test_fetched_once_and_kept_under_its_digest(server: Server) -> None:
    model = by_address(server)
    path = fetch(model, Options())
    assert path == weights_folder() / SHA256 / "yolo26m.pt"
    assert path.read_bytes() == CONTENT
    assert fetch(model, Options()) == path
    assert server.asked == 1


def test_many_at_once_fetch_once(server: Server) -> None:
    model = by_address(server)
    threads = [threading.Thread(target=fetch, args=(model, Options())) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.asked == 1
    assert fetch(model, Options()).read_bytes() == CONTENT


def test_another_file_than_the_pinned_one_is_not_kept(server: Server) -> None:
    server.content = b"something else"
    with pytest.raises(ModelError, match=f"is not the pinned file: expected sha256 {SHA256}") as caught:
        fetch(by_address(server), Options())
    assert "\n" not in str(caught.value)
    assert not [path for path in weights_folder().rglob("*") if path.is_file() and path.name != ".lock"]


def test_a_server_that_refuses(server: Server) -> None:
    server.status = 404
    with pytest.raises(ModelError, match=r"weights of model yolo26m are not on this machine .*404") as caught:
        fetch(by_address(server), Options())
    assert "\n" not in str(caught.value)


def test_a_server_that_is_not_there(server: Server) -> None:
    model = by_address(server)
    server.shutdown()
    server.server_close()
    with pytest.raises(
        ModelError, match=r"cannot be fetched from http.*: connect once, or name a local copy in weights"
    ):
        fetch(model, Options())


@pytest.mark.parametrize("switch", ["HF_HUB_OFFLINE", "STORYREASONING_OFFLINE"])
def test_offline_nothing_is_asked(switch: str, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(switch, "1")
    assert is_offline()
    with pytest.raises(ModelError, match=rf"\({switch} is set\)"):
        fetch(by_address(server), Options())
    with pytest.raises(ModelError, match=rf"hub repository fal/AuraFace-v1 \({switch} is set\)"):
        fetch(listed("auraface", "face_embedder"), Options())
    assert server.asked == 0
    monkeypatch.setenv(switch, "0")
    assert not is_offline()


def test_a_kept_file_that_was_changed(server: Server) -> None:
    model = by_address(server)
    path = fetch(model, Options())
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(ModelError, match=r"is not the pinned one: .*delete it and run again"):
        fetch(model, Options())
    with pytest.raises(ModelError, match="is missing"):
        check_digest(path.with_name("other"), SHA256)


def cache(root: Path, repo: str, commit: str, files: dict[str, bytes]) -> Path:
    """A repository in the cache of the hub's client, as it lies on disk."""
    folder = root / "hub" / f"models--{repo.replace('/', '--')}" / "snapshots" / commit
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("offline", [False, True])
def test_a_file_in_the_hubs_cache_needs_no_connection(
    offline: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if offline:
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    model = listed("auraface", "face_embedder", sha256=SHA256)
    folder = cache(tmp_path, model.repo, model.revision, {model.file: CONTENT})
    assert fetch(model, Options()) == folder / model.file
    other = cache(tmp_path, model.repo, COMMIT, {model.file: b"of another commit"})
    assert fetch(model, Options(revision=COMMIT)) == other / model.file, "a commit pins as well as a digest"
    with pytest.raises(ModelError, match="is not the pinned one"):
        fetch(model, Options(revision=COMMIT, sha256=SHA256))


def test_a_damaged_file_in_the_hubs_cache(tmp_path: Path) -> None:
    model = listed("auraface", "face_embedder", sha256=SHA256)
    cache(tmp_path, model.repo, model.revision, {model.file: CONTENT[:100]})
    with pytest.raises(ModelError, match=rf"expected sha256 {SHA256}"):
        fetch(model, Options())


WHOLE = {"config.json": b"{}", "preprocessor_config.json": b"{}", "model.safetensors": b"x"}


def test_a_snapshot_in_the_hubs_cache(tmp_path: Path) -> None:
    model = listed("dinov2-base", "appearance")
    folder = cache(tmp_path, model.repo, model.revision, WHOLE)
    assert fetch(model, Options()) == folder
    (folder / "model.safetensors").rename(folder / model.fallback)
    assert fetch(model, Options()) == folder, "an older repository without safetensors"


@pytest.mark.parametrize("missing", WHOLE)
def test_half_a_snapshot_is_none(missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    model = listed("dinov2-base", "appearance")
    cache(tmp_path, model.repo, model.revision, {name: content for name, content in WHOLE.items() if name != missing})
    with pytest.raises(ModelError, match="are not on this machine"):
        fetch(model, Options())


@pytest.mark.parametrize("missing", ["", "open_clip_config.json", "open_clip_model.safetensors"])
def test_a_snapshot_for_open_clip_has_its_own_configuration(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Listed without a commit, which the user names."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    model = listed("siglip-so400m-open-clip", "appearance")
    names = ("open_clip_config.json", "open_clip_model.safetensors", "tokenizer.json")
    folder = cache(tmp_path, model.repo, COMMIT, {name: b"x" for name in names if name != missing})
    if not missing:
        assert fetch(model, Options(revision=COMMIT)) == folder
        return
    with pytest.raises(ModelError, match="are not on this machine"):
        fetch(model, Options(revision=COMMIT))


def test_own_weights_are_taken_where_they_lie(tmp_path: Path) -> None:
    path = tmp_path / "own.onnx"
    path.write_bytes(CONTENT)
    assert fetch(listed("auraface", "face_embedder"), Options(weights=str(path))) == path


class HubHandler(BaseHTTPRequestHandler):
    """As much of a hub as the client asks for one file of one commit."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()
        self.wfile.write(CONTENT)

    def _answer(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        server.asked += 1
        model = listed("auraface", "face_embedder")
        known = self.path == f"/{model.repo}/resolve/{model.revision}/{model.file}"
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.send_header("ETag", f'"{SHA256}"')
        self.send_header("X-Repo-Commit", model.revision)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Nothing."""


def test_a_file_of_a_hub_is_fetched_by_its_commit_and_held_against_its_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    with Server(("127.0.0.1", 0), HubHandler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{running.server_port}")
        monkeypatch.setattr(
            "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
            f"http://127.0.0.1:{running.server_port}/{{repo_id}}/resolve/{{revision}}/{{filename}}",
        )
        model = listed("auraface", "face_embedder", sha256=SHA256)
        path = fetch(model, Options())
        assert path.read_bytes() == CONTENT
        asked = running.asked
        assert asked > 0
        assert fetch(model, Options()) == path
        assert running.asked == asked, "what is here is not asked for again"
        with pytest.raises(ModelError, match="is not the pinned one"):
            fetch(listed("auraface", "face_embedder", sha256="0" * 64), Options())
        running.shutdown()
        thread.join()
