"""Places that a URL names, opened by fsspec. Credentials come from the environment alone."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from schemas.errors import ConfigError, StoryReasoningError

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.:-]*://.+", re.DOTALL)
_PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs"}


def is_url(text: str) -> bool:
    """Whether a text is a URL rather than a path."""
    return _URL.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Place:
    """A file system of fsspec's and a path on it."""

    system: Any
    path: str
    url: str


def find_place(url: str, kind: type[StoryReasoningError]) -> Place:
    """The file system and path that a URL names.

    Args:
        url: of a file or folder.
        kind: of the error when the URL holds a password or names no known file system.

    Raises:
        StoryReasoningError: of that kind.
        ConfigError: the package for it is not installed.
    """
    shown = hide_secrets(url)
    if "::" in url:
        raise kind(f"{shown} is a chain of URLs: give the URL of the folder or archive itself")
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise kind(f"{shown} holds a user or password: give credentials by environment (AWS_ACCESS_KEY_ID, ...)")
    import fsspec

    options: dict[str, Any] = {"skip_instance_cache": True} if parts.scheme != "memory" else {}
    if parts.scheme in ("s3", "s3a"):
        options["config_kwargs"] = {"connect_timeout": 10, "read_timeout": 60, "retries": {"max_attempts": 3}}
    try:
        system, path = fsspec.core.url_to_fs(url, **options)
    except ImportError as error:
        package = _PACKAGES.get(parts.scheme, "")
        extra = "pip install 'storyreasoning[s3]'" if package == "s3fs" else f"pip install {package}"
        told = extra if package else " ".join(str(error).split())
        raise ConfigError(f"{shown} needs a package that is not installed: {told}") from error
    except Exception as error:
        raise kind(explain(url, error)) from error
    return Place(system, path, url)


def hide_secrets(url: str) -> str:
    """A URL as it may be shown: without user, password and query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def explain(url: str, error: BaseException) -> str:
    """One line on why a place cannot be read."""
    shown = hide_secrets(url)
    if isinstance(error, PermissionError):
        return f"{shown} refuses access: check its permissions and the credentials in the environment"
    if isinstance(error, FileNotFoundError):
        return f"{shown} does not exist: check the bucket and the path"
    if type(error).__name__ in ("NoCredentialsError", "PartialCredentialsError"):
        return f"{shown} needs credentials: set them in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)"
    told = " ".join(str(error).split()) or type(error).__name__
    return f"{shown} cannot be reached ({told}): check the address and the network"
