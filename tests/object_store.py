"""A real S3 server on loopback, and what a test asks of it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib import request

import pytest

from tasks.runtime import store

REGION = "us-east-1"


@contextmanager
def s3_server(patch: pytest.MonkeyPatch) -> Iterator[str]:
    """Start moto's server; the environment of this process points to it. Gives its address."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        address = f"http://{host}:{port}"
        point_to(address, patch)
        request.urlopen(request.Request(f"{address}/moto-api/reset", method="POST")).close()  # noqa: S310 - ours
        store._objects_at.cache_clear()
        yield address
    finally:
        store._objects_at.cache_clear()
        server.stop()


def point_to(address: str, patch: pytest.MonkeyPatch) -> None:
    """Let S3 clients of this process and its children speak to an address, with made-up credentials."""
    for name, value in {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1,localhost",
    }.items():
        patch.setenv(name, value)


def make_bucket(name: str) -> Any:
    """A new bucket; gives a file system to fill it with."""
    import s3fs

    system = s3fs.S3FileSystem(skip_instance_cache=True)
    system.call_s3("create_bucket", Bucket=name)
    return system


def upload(system: Any, folder: Path, place: str) -> None:
    """Put every file of a folder below ``bucket/prefix``."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            system.pipe_file(f"{place}/{path.relative_to(folder).as_posix()}", path.read_bytes())


@contextmanager
def refusing_server() -> Iterator[str]:
    """A server that answers 403 to everything, as S3 does to those whom a bucket does not know."""

    class Refuse(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
            self.send_response(403)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Quiet."""

    for method in ("GET", "HEAD", "PUT", "POST"):
        setattr(Refuse, f"do_{method}", Refuse.answer)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refuse)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def nobody_listens() -> str:
    """An address at which there is no server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"
