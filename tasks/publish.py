"""``publish``: the dataset of a workspace as the next release of a dataset on the Hub.

In: ``dataset/`` of a finished build. Out: one commit on ``main`` and a tag ``vN``. Invariants: what can be refused is refused
before a byte is sent; ``main`` moves once, from one whole release to the next, and only after every file of it was verified on
a branch of its own; the same dataset again sends nothing and makes no commit; whatever breaks off is taken up by the next call.
"""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import ConfigError, PublishError, WorkspaceError
from tasks.dataset_card.markdown import escape_markdown
from tasks.dataset_card.measurements import PATH as MEASUREMENTS
from tasks.dataset_card.measurements import read_measurements
from tasks.publishing.changes import card_licence, describe_changes
from tasks.publishing.documents import CARD, CHANGELOG, MADE, Edition, make_documents
from tasks.publishing.drift import Shift
from tasks.publishing.gates import (
    LICENCE,
    BuiltDataset,
    check_drift,
    check_licences,
    check_repo_id,
    check_stories,
    read_dataset,
    undisturbed_workspace,
)
from tasks.publishing.hub import Head, HubRepository, differing
from tasks.publishing.release import MANIFEST, Record, Release, ReleaseFile, dataset_key, make_file
from tasks.publishing.released import Released, remember_release
from tasks.publishing.verify import verify_loading, verify_tree
from tasks.runtime.progress import Event, emit

MAIN = "main"
STAGING = "storyreasoning-staging-"
"""Begins the names of branches on which releases are put together."""
ATTRIBUTES = ".gitattributes"
_FOLDERS = ("default/", "grounding/", "coco/", "webdataset/", "charts/")


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """What is to be published where. ``licence`` stands for films without one of their own; empty for none."""

    workspace: str
    repo_id: str
    revision: str = MAIN
    private: bool = False
    licence: str = ""
    accept_drift: bool = False


@dataclass(frozen=True, slots=True)
class PublishPlan:
    """What a publication would do.

    Attributes:
        repo_id: the repository.
        revision: the branch that moves.
        release: what it comes to hold.
        changes: what is new, in words.
        exists: whether the repository stands already.
        private: whether it is private, or will be.
        start: commit of the branch before; empty where there is none yet.
        send: files whose content the Hub does not hold, as far as can be seen.
        present: files that lie there already, under whatever name.
        remove: paths that go.
        keep: paths of others that are left alone.
        unchanged: the branch holds this very dataset.
        tagged: the release has its tag.
    """

    repo_id: str
    revision: str
    release: Release
    changes: tuple[str, ...]
    exists: bool
    private: bool
    start: str
    send: tuple[ReleaseFile, ...]
    present: tuple[ReleaseFile, ...]
    remove: tuple[str, ...]
    keep: tuple[str, ...]
    unchanged: bool
    tagged: bool

    @property
    def send_bytes(self) -> int:
        """How much is to be sent."""
        return sum(file.size for file in self.send)

    @property
    def staging(self) -> str:
        """The branch on which the release is put together."""
        return f"{STAGING}{self.release.record.dataset[:16]}"


@dataclass(frozen=True, slots=True)
class Published:
    """What came of it; ``tag`` is empty for a branch other than ``main``, ``sent_bytes`` are those of the plan."""

    repo_id: str
    revision: str
    commit: str
    tag: str
    unchanged: bool
    files: int
    sent_bytes: int
    seconds: float


def make_plan(request: PublishRequest, token: str | None) -> PublishPlan:
    """Hold the dataset against every gate and look at what the Hub holds; sends nothing.

    Raises:
        ConfigError: the name or the licence is none.
        WorkspaceError: there is no finished build.
        PublishError: a gate is shut; the message says which and what to do.
    """
    check_repo_id(request.repo_id)
    if request.licence and not LICENCE.fullmatch(request.licence):
        raise ConfigError(
            f"'{request.licence}' is no licence identifier of the Hub: write it as in cc-by-4.0, or 'other'"
        )
    built = read_dataset(Path(request.workspace))
    check_licences(built, request.licence)
    check_stories(Path(request.workspace))
    hub = HubRepository(request.repo_id, token)
    if token:
        hub.check_rights()
    private = hub.visibility()
    if private is False and request.private:
        raise PublishError(
            f"{request.repo_id} is public already: make it private on the Hub, or publish without --private"
        )
    if private is None:
        return _plan(request, built, None, None, "", set(), private=request.private)
    branches, tags = hub.refs()
    head = hub.head(branches[request.revision]) if request.revision in branches else hub.head(MAIN)
    last = _last_record(hub, head)
    _refuse_other_content(request.repo_id, head, last)
    measured = hub.read(MEASUREMENTS, head.commit) if last and MEASUREMENTS in head.tree else b""
    shifts = check_drift(built, last, measured, accept=request.accept_drift)
    changelog = hub.read(CHANGELOG, head.commit).decode() if last and CHANGELOG in head.tree else ""
    return _plan(request, built, head, last, changelog, set(tags), private=private, shifts=shifts)


def _last_record(hub: HubRepository, head: Head) -> Record | None:
    return Record.from_bytes(hub.read(MANIFEST, head.commit)) if MANIFEST in head.tree else None


def _refuse_other_content(repo_id: str, head: Head, last: Record | None) -> None:
    own = {MANIFEST, ATTRIBUTES, *(file.path for file in last.files)} if last else {ATTRIBUTES}
    foreign = sorted(set(head.tree) - own)
    if last:
        foreign = [path for path in foreign if path.startswith(_FOLDERS)]
    if foreign:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise PublishError(
            f"{repo_id} holds other content ({foreign[0]}{more}): choose another name, or take that away first"
        )


def _plan(
    request: PublishRequest,
    built: BuiltDataset,
    head: Head | None,
    last: Record | None,
    changelog: str,
    tags: set[str],
    *,
    private: bool,
    shifts: Sequence[Shift] = (),
) -> PublishPlan:
    tree = head.tree if head else {}
    key = dataset_key({file.path: file.sha256 for file in built.files}, request.licence)
    unchanged = last is not None and last.dataset == key and not differing(last.files, tree)
    number = last.release if last and unchanged else _next_release(last, tags)
    changes: list[str] = []
    if last and unchanged:
        release = Release(last, last.files)
    else:
        release, changes = make_release(built, request, key, number, last, changelog, shifts)
    wanted = {file.path for file in release.files} | {MANIFEST, ATTRIBUTES}
    owned = {file.path for file in last.files} if last else set()
    missing = [] if unchanged else differing(release.files, tree)
    stored = {remote.sha256 for remote in tree.values() if remote.sha256}
    send = tuple(file for file in missing if file.sha256 not in stored)
    sent = {file.path for file in send}
    return PublishPlan(
        repo_id=request.repo_id,
        revision=request.revision,
        release=release,
        changes=tuple(changes),
        exists=head is not None,
        private=private,
        start=head.commit if head else "",
        send=send,
        present=tuple(file for file in release.files if file.path not in sent),
        remove=() if unchanged else tuple(sorted(owned - wanted)),
        keep=tuple(sorted(set(tree) - owned - {MANIFEST})),
        unchanged=unchanged,
        tagged=release.tag in tags,
    )


def _next_release(last: Record | None, tags: set[str]) -> int:
    """The number after that of the last release and after every tag ``vN``."""
    numbers = [int(tag[1:]) for tag in tags if tag[:1] == "v" and tag[1:].isascii() and tag[1:].isdigit()]
    return max([last.release if last else 0, *numbers]) + 1


def make_release(
    built: BuiltDataset,
    request: PublishRequest,
    key: str,
    number: int,
    last: Record | None,
    changelog: str,
    accepted: Sequence[Shift] = (),
) -> tuple[Release, list[str]]:
    """The release that a dataset makes after ``last``, and what it changes; the same input gives the same bytes on a day."""
    from tasks.card import software_version

    folder = Path(request.workspace) / "dataset"
    licence = request.licence or card_licence((folder / CARD).read_bytes())
    draft = Record(number, key, licence, built.stories, built.films, built.models, software_version(), ())
    changes = [
        *describe_changes(draft, last),
        *(f"accepted drift: {escape_markdown(str(shift))}" for shift in accepted),
    ]
    edition = Edition(request.repo_id, request.revision, number, licence, request.licence, changes, changelog)
    made = make_documents(folder, edition)
    files = sorted([*(f for f in built.files if f.path not in MADE), *made], key=lambda file: file.path)
    listed = tuple(ReleaseFile(f.path, f.size, f.sha256, f.blob) for f in files)
    record = Record(number, key, licence, built.stories, built.films, built.models, draft.software, listed)
    whole = sorted([*files, make_file(MANIFEST, record.to_bytes())], key=lambda file: file.path)
    return Release(record, tuple(whole)), changes


def publish(request: PublishRequest, token: str | None) -> Published:
    """Publish, or find that it is published; see the head of this file.

    Raises:
        ConfigError, WorkspaceError: as :func:`make_plan`.
        PublishError: a gate is shut, or the Hub failed; the branch is as it was, unless the message says otherwise.
    """
    begun = time.monotonic()
    if not token:
        raise PublishError("no token: set HF_TOKEN to one that may write (or name a Prefect block with --token-block)")
    with undisturbed_workspace(Path(request.workspace)):
        plan = make_plan(request, token)
        hub = HubRepository(request.repo_id, token)
        commit = plan.start if plan.unchanged else _bring_about(plan, hub)
        tag = _tag(plan, hub, commit)
        _clear(hub)
        if tag:
            _remember(request, tag, commit)
    return Published(
        request.repo_id,
        request.revision,
        commit,
        tag,
        plan.unchanged,
        len(plan.send),
        plan.send_bytes,
        round(time.monotonic() - begun, 3),
    )


def _remember(request: PublishRequest, tag: str, commit: str) -> None:
    """Put the release on record in the workspace, for builds to be held against; the release stands without it too."""
    workspace = Path(request.workspace)
    released = Released(request.repo_id, tag, commit, read_measurements(workspace / "dataset"))
    try:
        remember_release(workspace, released)
    except WorkspaceError as error:
        emit(Event("message", text=f"published, but the workspace does not remember it: {error}"))


def _bring_about(plan: PublishPlan, hub: HubRepository) -> str:
    """Stage, verify, merge; returns the commit."""
    with _untouched(plan.revision):
        if not plan.exists:
            hub.create(plan.private)
        branches, _ = hub.refs()
        start = plan.start or branches[MAIN]
        keep = plan.keep or (ATTRIBUTES,)
        message = f"{plan.release.tag}: {sum(plan.release.record.stories.values())} stories"
        hub.create_branch(plan.staging, start)
        emit(Event("message", text=f"sending to branch {plan.staging}"))
        staged = hub.head(plan.staging)
        hub.send(differing(plan.release.files, staged.tree), plan.staging)
        commit = hub.bring(plan.staging, plan.release.files, keep, f"{message} (staged)")
        try:
            verify_tree(hub.head(commit), plan.release.files, keep)
            verify_loading(plan.repo_id, commit, plan.release, hub.token)
        except PublishError:
            # What does not verify is not worth going on from.
            with contextlib.suppress(PublishError):
                hub.delete_branch(plan.staging)
            raise
        emit(Event("message", text=f"verified {len(plan.release.files)} files; merging into {plan.revision}"))
        if plan.revision not in branches:
            hub.create_branch(plan.revision, start)
    merged = hub.bring(plan.revision, plan.release.files, keep, message, source=commit, expected=start)
    verify_tree(hub.head(merged), plan.release.files, keep)
    return merged


@contextlib.contextmanager
def _untouched(revision: str) -> Iterator[None]:
    """Say so in every error inside the block."""
    try:
        yield
    except PublishError as error:
        raise PublishError(f"{error} ({revision} is untouched)") from error


def _tag(plan: PublishPlan, hub: HubRepository, commit: str) -> str:
    if plan.revision != MAIN:
        return ""
    if not plan.tagged:
        hub.create_tag(plan.release.tag, commit)
    return plan.release.tag


def _clear(hub: HubRepository) -> None:
    """Remove the branches on which this and broken-off releases were put together."""
    branches, _ = hub.refs()
    for name in sorted(branches):
        if name.startswith(STAGING):
            hub.delete_branch(name)
