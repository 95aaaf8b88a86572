"""One dataset repository on the Hub: what lies there, and commits that are whole or not at all.

What fails in passing (5xx, 429, a lost connection) is tried again after a look at what lies there, so that an answer that was
lost does no harm. Other errors become one line that says what to do. The token is handed to the client and to nobody else.
"""

import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from schemas.errors import PublishError, StoryReasoningError
from tasks.publishing.release import ReleaseFile
from tasks.runtime.progress import Event, emit

if TYPE_CHECKING:
    from huggingface_hub import HfApi

T = TypeVar("T")
ATTEMPTS = 4
FIRST_WAIT_S = 0.5
UPLOAD_FILES = 8
"""Files that are sent before progress is told: the client sends them side by side."""
_PASSING = frozenset({408, 409, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on the Hub: ``sha256`` where it is an LFS object, else empty; ``blob`` is git's id."""

    size: int
    sha256: str
    blob: str

    def equals(self, file: ReleaseFile) -> bool:
        """Whether it has the content of ``file``."""
        same = self.sha256 == file.sha256 if self.sha256 else self.blob == file.blob
        return same and self.size == file.size


Tree = Mapping[str, RemoteFile]


@dataclass(frozen=True, slots=True)
class Head:
    """A branch: the commit it is at, and its files."""

    commit: str
    tree: Tree


def differing(files: Sequence[ReleaseFile], tree: Tree) -> list[ReleaseFile]:
    """Files that do not lie in the tree as they are."""
    return [file for file in files if file.path not in tree or not tree[file.path].equals(file)]


class HubRepository:
    """The repository ``repo_id``; ``token`` is ``None`` to look at public ones only."""

    def __init__(self, repo_id: str, token: str | None) -> None:
        self.repo_id = repo_id
        self.token = token

    def __repr__(self) -> str:
        """Without the token."""
        return f"HubRepository({self.repo_id!r})"

    @cached_property
    def _api(self) -> "HfApi":
        from huggingface_hub import HfApi

        return HfApi(token=self.token or False, library_name="storyreasoning")

    def check_rights(self) -> None:
        """Find out whether the token may write there, as far as can be told without trying.

        Raises:
            PublishError: it may not.
        """
        me = self._tried(lambda: self._api.whoami(token=self.token), "ask who may write to")
        role = me.get("auth", {}).get("accessToken", {}).get("role", "")
        if role == "read":
            raise PublishError(
                f"the token of {me['name']} may only read: make one with the role 'write' and set HF_TOKEN"
            )
        owner = self.repo_id.split("/")[0]
        if owner not in {me["name"], *(org["name"] for org in me.get("orgs", []))}:
            raise PublishError(
                f"{me['name']} has no permission to publish as '{owner}': use a token of it, or another name"
            )

    def visibility(self) -> bool | None:
        """Whether the repository is private; None where there is none (or none that the token may see)."""
        from huggingface_hub.errors import RepositoryNotFoundError

        try:
            info = self._tried(lambda: self._api.dataset_info(self.repo_id), "look at", keep=(RepositoryNotFoundError,))
        except RepositoryNotFoundError:
            return None
        return bool(info.private)

    def create(self, private: bool) -> None:
        """Make the repository; one that stands is kept as it is."""
        self._tried(
            lambda: self._api.create_repo(self.repo_id, repo_type="dataset", private=private or None, exist_ok=True),
            "create",
        )

    def refs(self) -> tuple[dict[str, str], dict[str, str]]:
        """Branches and tags, each with its commit."""
        found = self._tried(lambda: self._api.list_repo_refs(self.repo_id, repo_type="dataset"), "list the branches of")
        return {r.name: r.target_commit for r in found.branches}, {r.name: r.target_commit for r in found.tags}

    def head(self, revision: str) -> Head:
        """What lies at a revision."""
        return self._tried(lambda: self._head(revision), "read")

    def _head(self, revision: str) -> Head:
        info = self._api.dataset_info(self.repo_id, revision=revision)
        commit = str(info.sha)
        entries = self._api.list_repo_tree(self.repo_id, recursive=True, revision=commit, repo_type="dataset")
        return Head(commit, dict(_files(entries)))

    def read(self, path: str, revision: str) -> bytes:
        """A small file."""
        with tempfile.TemporaryDirectory() as folder:
            place = self._tried(
                lambda: self._api.hf_hub_download(
                    self.repo_id, path, repo_type="dataset", revision=revision, local_dir=folder
                ),
                "read",
            )
            return Path(place).read_bytes()

    def create_branch(self, name: str, start: str) -> None:
        """Make a branch at a commit; one that stands is kept as it is."""
        self._tried(
            lambda: self._api.create_branch(
                self.repo_id, branch=name, revision=start, repo_type="dataset", exist_ok=True
            ),
            "write to",
        )

    def delete_branch(self, name: str) -> None:
        """Remove a branch; one that is gone already is no error."""
        from huggingface_hub.errors import RevisionNotFoundError

        try:
            self._tried(
                lambda: self._api.delete_branch(self.repo_id, branch=name, repo_type="dataset"),
                "clear up in",
                keep=(RevisionNotFoundError,),
            )
        except RevisionNotFoundError:
            return

    def create_tag(self, name: str, commit: str) -> None:
        """Name a commit; a tag that stands is kept as it is."""
        self._tried(
            lambda: self._api.create_tag(self.repo_id, tag=name, revision=commit, repo_type="dataset", exist_ok=True),
            "tag",
        )

    def send(self, files: Sequence[ReleaseFile], branch: str) -> None:
        """Send the contents that the Hub does not hold yet; nothing is to be seen of them before a commit."""
        for start in range(0, len(files), UPLOAD_FILES):
            batch = files[start : start + UPLOAD_FILES]
            self._tried(
                lambda batch=batch: self._api.preupload_lfs_files(  # type: ignore[misc]
                    self.repo_id, [_addition(f) for f in batch], repo_type="dataset", revision=branch
                ),
                "send to",
            )
            emit(Event("message", text=f"sent {start + len(batch)} of {len(files)} files"))

    def bring(
        self,
        branch: str,
        files: Sequence[ReleaseFile],
        keep: Collection[str],
        message: str,
        *,
        source: str | None = None,
        expected: str | None = None,
    ) -> str:
        """Make a branch hold exactly ``files`` and what is in ``keep``, in one commit or none; returns the branch's commit.

        Args:
            branch: the branch.
            files: everything else that shall be there.
            keep: paths that are left alone.
            message: of the commit.
            source: revision that holds ``files``: its LFS objects are taken over, nothing is sent again.
            expected: commit that the branch must be at.

        Raises:
            PublishError: the branch is elsewhere, or the Hub refused; the branch is as it was.
        """

        def attempt() -> str:
            head = self._head(branch)
            changed = differing(files, head.tree)
            gone = sorted(set(head.tree) - {file.path for file in files} - set(keep))
            if not changed and not gone:
                return head.commit
            if expected is not None and head.commit != expected:
                raise PublishError(
                    f"{self.repo_id} was changed by someone else meanwhile and is as they left it: look, then publish again"
                )
            operations = self._operations(changed, gone, source)
            done = self._api.create_commit(
                self.repo_id,
                operations,
                commit_message=message,
                repo_type="dataset",
                revision=branch,
                parent_commit=head.commit,
            )
            return str(done.oid)

        return self._tried(attempt, "write to")

    def _operations(self, changed: Sequence[ReleaseFile], gone: Sequence[str], source: str | None) -> list[Any]:
        from huggingface_hub import CommitOperationCopy, CommitOperationDelete

        staged = self._head(source).tree if source else {}
        operations: list[Any] = []
        for file in changed:
            if file.path in staged and staged[file.path].sha256:
                operations.append(CommitOperationCopy(file.path, file.path, src_revision=source))
            else:
                operations.append(_addition(file))
        return operations + [CommitOperationDelete(path, is_folder=False) for path in gone]

    def _tried(self, action: Callable[[], T], doing: str, keep: tuple[type[Exception], ...] = ()) -> T:
        """The result of ``action``, tried again while it fails in passing; ``keep`` are errors that the caller handles."""
        wait = FIRST_WAIT_S
        for attempt in range(ATTEMPTS):
            try:
                return action()
            except StoryReasoningError:
                raise
            except keep:
                raise
            except Exception as error:
                if not _passes(error) or attempt == ATTEMPTS - 1:
                    raise self._explain(error, doing) from error
                emit(Event("message", text=f"{_told(error)}; trying again in {wait:.1f} s"))
                time.sleep(wait)
                wait *= 2
        raise AssertionError("the last attempt returns or raises")

    def _explain(self, error: Exception, doing: str) -> PublishError:
        status = _status(error)
        what = f"could not {doing} {self.repo_id}"
        if status in (401, 403):
            remedy = "the token has no permission for it: set HF_TOKEN to one that may write there"
        elif status == 404:
            remedy = "there is none, or the token may not see it: check the name and HF_TOKEN"
        elif _passes(error):
            remedy = "run the same command again to go on from here"
        else:
            remedy = "see what the Hub says"
        return PublishError(f"{what} ({_told(error)}): {remedy}")


def _files(entries: Any) -> Iterator[tuple[str, RemoteFile]]:
    from huggingface_hub.hf_api import RepoFile

    for entry in entries:
        if isinstance(entry, RepoFile):
            yield entry.path, RemoteFile(entry.size, entry.lfs.sha256 if entry.lfs else "", entry.blob_id)


def _addition(file: ReleaseFile) -> Any:
    from huggingface_hub import CommitOperationAdd

    content = file.content if file.content is not None else file.place
    if content is None:
        raise AssertionError(f"{file.path} is known by name only")
    addition = CommitOperationAdd(path_in_repo=file.path, path_or_fileobj=content)
    addition.upload_info.sha256 = bytes.fromhex(file.sha256)  # known: spares reading a large file again
    return addition


def _chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__


def _status(error: Exception) -> int | None:
    """The HTTP status that an error comes from."""
    from huggingface_hub.errors import HfHubHTTPError

    for one in _chain(error):
        if isinstance(one, HfHubHTTPError) and getattr(one, "response", None) is not None:
            return int(one.response.status_code)
    return None


def _passes(error: Exception) -> bool:
    """Whether the same request may well succeed a little later."""
    import httpx2

    status = _status(error)
    if status is not None:
        # 412: another commit came first. What is there now decides, so it is looked at again.
        return status in _PASSING or status == 412
    return any(isinstance(one, httpx2.TransportError | ConnectionError | TimeoutError) for one in _chain(error))


def _told(error: Exception) -> str:
    """An error in a few words, on one line."""
    status = _status(error)
    chain = list(_chain(error))
    said = (getattr(one, "server_message", None) for one in chain)
    message = next(filter(None, said), None) or str(chain[-1]).strip().split("\n")[0] or type(chain[-1]).__name__
    told = " ".join(str(message).split())[:200]
    return f"the Hub answers {status}: {told}" if status else told
