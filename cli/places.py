"""Workspaces on the command line: a folder, or a URL of which there is a copy on this machine."""

import argparse
from pathlib import Path

_ARGUMENTS = {"check": "source", "inspect": "place", "view": "place", "build": "", "retry": "", "gc": ""}
"""The argument that may name a workspace, where it is not ``workspace``; some commands take URLs themselves."""


class Url(str):
    """A workspace's URL, which a path would not keep whole."""

    __slots__ = ()


def workspace_place(text: str) -> Path | Url:
    """The value of an argument that names a workspace."""
    return Url(text) if "://" in text else Path(text)


def bring_here(args: argparse.Namespace, command: str) -> None:
    """Put, in place of a workspace's URL, the path of its copy on this machine, brought up to date.

    Raises:
        WorkspaceError: the URL cannot be read, or holds no workspace.
    """
    name = _ARGUMENTS.get(command, "workspace")
    value = getattr(args, name, None)
    if not isinstance(value, str) or "://" not in value:
        return
    from tasks.runtime.mirror import local_copy

    copy = local_copy(value)
    setattr(args, name, copy if isinstance(value, Url) else str(copy))
