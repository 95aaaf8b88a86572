"""The files of a release that only the release makes complete: card, changelog, metadata, citation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tasks.dataset_card import citation, croissant
from tasks.publishing.changes import complete_card, extend_changelog
from tasks.publishing.release import ReleaseFile, make_file

CARD, CHANGELOG = "README.md", "CHANGELOG.md"
MADE = frozenset({CARD, CHANGELOG, croissant.PATH, citation.PATH})


@dataclass(frozen=True, slots=True)
class Edition:
    """What a release is: where it goes, its number, the licence of the whole, what it changes, and the changelog before it.

    ``given`` is the licence that was named for the release, empty where the card's own stands.
    """

    repo_id: str
    revision: str
    number: int
    licence: str
    given: str
    changes: Sequence[str]
    changelog: str


def make_documents(folder: Path, edition: Edition, day: str = "") -> Iterator[ReleaseFile]:
    """The completed files of a dataset in ``folder``; ``day`` is today where it is not given."""
    from huggingface_hub import constants

    day = day or datetime.now(UTC).date().isoformat()
    owner, _, name = edition.repo_id.partition("/")
    address = f"{constants.ENDPOINT}/datasets/{edition.repo_id}"
    revision = f"v{edition.number}" if edition.revision == "main" else edition.revision
    card = (folder / CARD).read_bytes()
    yield make_file(CARD, complete_card(card, edition.given, edition.repo_id, edition.number, edition.changes))
    yield make_file(CHANGELOG, extend_changelog(edition.changelog, edition.number, edition.changes).encode())
    metadata = croissant.complete_croissant(
        (folder / croissant.PATH).read_bytes(),
        owner=owner,
        address=address,
        tree=f"{address}/tree/{revision}",
        release=edition.number,
        day=day,
        licence=edition.licence,
    )
    yield make_file(croissant.PATH, metadata)
    yield make_file(citation.PATH, citation.citation_file(name, owner, address, edition.number, day, edition.licence))
