"""Which code is at work: workers of another version than the flow's must not make its shards."""

import hashlib
import importlib.metadata
from functools import cache
from pathlib import Path

_PACKAGES = Path(__file__).resolve().parents[2]
_PARTS = ("schemas", "tasks")


def package_version() -> str:
    """Version of the package; ``0`` in a checkout that is not installed."""
    try:
        return importlib.metadata.version("storyreasoning")
    except importlib.metadata.PackageNotFoundError:
        return "0"


def source_digest(root: Path) -> str:
    """sha256 over the names and bytes of all that stages are made of below ``root``, compiled files left out."""
    digest = hashlib.sha256()
    for part in _PARTS:
        for path in sorted((root / part).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                content = path.read_bytes()
                digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
                digest.update(content)
    return digest.hexdigest()


@cache
def code_version() -> str:
    """Version and source of the code in this process, as ``0.1.0+<8 digits>``; read once."""
    return f"{package_version()}+{source_digest(_PACKAGES)[:8]}"
