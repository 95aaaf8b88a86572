"""What a Hugging Face Hub holds, in memory: repositories with commits, branches, tags and LFS objects; and how it may fail."""

import hashlib
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Blob:
    """A file of a commit: LFS objects are known by ``sha256``, the others by content."""

    content: bytes
    lfs: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def oid(self) -> str:
        """git's id: of the content, or of the pointer that stands for it."""
        content = self.content
        if self.lfs:
            content = (
                f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {len(content)}\n".encode()
            )
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()  # noqa: S324 - git's

    def info(self, path: str) -> dict[str, Any]:
        """As in trees."""
        value: dict[str, Any] = {"type": "file", "path": path, "oid": self.oid, "size": len(self.content)}
        return value | (
            {"lfs": {"oid": self.sha256, "size": len(self.content), "pointerSize": 130}} if self.lfs else {}
        )


Tree = Mapping[str, Blob]


@dataclass
class Repo:
    """A dataset repository; ``moves`` lists every (branch, commit) in the order in which heads moved."""

    owner: str
    private: bool = False
    commits: dict[str, Tree] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    moves: list[tuple[str, str]] = field(default_factory=list)

    def commit(self, branch: str, tree: Tree) -> str:
        """Put a tree on a branch."""
        oid = hashlib.sha1(f"{len(self.commits)} {branch}".encode()).hexdigest()  # noqa: S324 - looks like git's
        self.commits[oid] = dict(tree)
        self.branches[branch] = oid
        self.moves.append((branch, oid))
        return oid

    def resolve(self, revision: str) -> str | None:
        """The commit of a branch, tag or commit."""
        found = self.branches.get(revision) or self.tags.get(revision) or revision
        return found if found in self.commits else None

    def history(self, branch: str = "main") -> list[Tree]:
        """The trees that a branch has had, oldest first."""
        return [self.commits[oid] for name, oid in self.moves if name == branch]

    def files(self, revision: str = "main") -> dict[str, bytes]:
        """Path and content at a revision."""
        return {path: blob.content for path, blob in self.commits[self.resolve(revision) or ""].items()}


@dataclass
class Fault:
    """What goes wrong with the next ``times`` requests whose ``METHOD path`` matches, after ``skip`` that go well.

    ``status`` answers with an error, ``reset`` cuts the connection, ``lost`` does what was asked and cuts the connection before
    the answer, ``hold`` reads half of the body, tells ``held`` and waits for ``release``.
    """

    where: str
    kind: Literal["status", "reset", "lost", "hold"]
    times: int = 1
    status: int = 503
    skip: int = 0
    held: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)


@dataclass
class Hub:
    """The state of the stand-in, and what it was asked."""

    repos: dict[str, Repo] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    received: list[tuple[str, int]] = field(default_factory=list)
    parts: dict[tuple[str, int], bytes] = field(default_factory=dict)
    url: str = ""

    @property
    def uploaded_bytes(self) -> int:
        """Bytes of LFS objects that were taken in."""
        return sum(size for _, size in self.received)

    def asked(self, where: str) -> list[str]:
        """Requests whose ``METHOD path`` matches."""
        return [line for line in self.requests if re.search(where, line)]

    def fault(self, line: str) -> Fault | None:
        """The fault that a request meets."""
        for fault in self.faults:
            if fault.times and re.search(fault.where, line):
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                return fault
        return None


class Refusal(Exception):
    """An answer other than the one asked for."""

    def __init__(self, status: int, code: str = "", message: str = "") -> None:
        self.status, self.code, self.message = status, code, message
