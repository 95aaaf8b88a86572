"""What a release changes, in words: for its changelog and its card."""

import re
from collections.abc import Iterator, Sequence

from tasks.dataset_card.markdown import code, escape_markdown
from tasks.publishing.release import Record

_NAMED = 10
_LICENCE_LINE = re.compile(rb"^license: .*$", re.MULTILINE)


def describe_changes(now: Record, last: Record | None) -> list[str]:
    """Points in Markdown, each a difference of the two records; what stayed the same is not named."""
    if last is None:
        return [f"first release: {_stories(now)} of {_count(len(now.films), 'film', 'films')}"]
    return list(_changes(now, last))


def _changes(now: Record, last: Record) -> Iterator[str]:
    difference = sum(now.stories.values()) - sum(last.stories.values())
    yield f"{_stories(now)} ({difference:+,})" if difference else _stories(now)
    yield from _films("new", sorted(set(now.films) - set(last.films)))
    yield from _films("gone", sorted(set(last.films) - set(now.films)))
    both = set(now.films) & set(last.films)
    yield from _films("in the other split now", sorted(film for film in both if now.films[film] != last.films[film]))
    for word, models in (
        ("now", set(now.models) - set(last.models)),
        ("no longer", set(last.models) - set(now.models)),
    ):
        yield from (f"model {word}: {code(model)}" for model in sorted(models))
    if now.licence != last.licence:
        yield f"licence: {code(now.licence)}, before {code(last.licence)}"
    if now.software != last.software:
        yield f"made with storyreasoning {escape_markdown(now.software)}, before {escape_markdown(last.software)}"


def _films(word: str, films: Sequence[str]) -> Iterator[str]:
    if films:
        names = ", ".join(escape_markdown(film) for film in films[:_NAMED])
        more = f" and {len(films) - _NAMED} more" if len(films) > _NAMED else ""
        yield f"{_count(len(films), 'film', 'films')} {word}: {names}{more}"


def _stories(record: Record) -> str:
    splits = ", ".join(f"{count:,} {split}" for split, count in sorted(record.stories.items(), reverse=True))
    return f"{_count(sum(record.stories.values()), 'story', 'stories')} ({splits})"


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def extend_changelog(changelog: str, release: int, changes: Sequence[str]) -> str:
    """The changelog with an entry for a release on top of the older ones."""
    older = changelog.split("\n## ", 1)
    entry = "\n".join([f"## v{release}", "", *(f"- {change}" for change in changes)])
    return "# Changelog\n\n" + entry + "\n" + (f"\n## {older[1]}" if len(older) > 1 else "")


def complete_card(card: bytes, licence: str, repo_id: str, release: int, changes: Sequence[str]) -> bytes:
    """The card of a build as it is published: under its own name, with its licence and what the release changes."""
    name = repo_id.encode()
    text = card.replace(b"<folder or repository>", name).rstrip(b"\n") + b"\n"
    if licence:
        text = _LICENCE_LINE.sub(lambda _: b"license: " + licence.encode(), text, count=1)
    points = "\n".join(f"- {change}" for change in changes)
    section = (
        f"\n## Changes in v{release}\n\n{points}\n\nEarlier ones are in `CHANGELOG.md`; every release has a tag.\n"
    )
    return text + section.encode()


def card_licence(card: bytes) -> str:
    """The identifier of the licence that a card names."""
    match = _LICENCE_LINE.search(card)
    return match[0].decode().removeprefix("license: ").strip('"') if match else ""
