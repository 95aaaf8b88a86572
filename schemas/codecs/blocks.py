"""Reading the inside of one ``gdi`` block as a flat row of texts and tags, whatever its tags do to each other."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from schemas.codecs.tags import Ids, Mark, match_marks, read_ids, read_kind
from schemas.faults import FaultList, quote
from schemas.text import Tag, TagKind

_KINDS: dict[str, TagKind] = {"o": "gdo", "a": "gda", "l": "gdl"}
_WORD = re.compile(r"[^\W_](?:[^\W_]|['\u2019-](?=[^\W_]))*+")
_NEXT_WORD = re.compile(r" ([^\W_](?:[^\W_]|['\u2019-](?=[^\W_]))*+)")
_BLANK = re.compile(r"\s*+")
_DETERMINERS = frozenset(
    ("the", "a", "an", "his", "her", "their", "its", "my", "our", "your", "this", "that", "these", "those")
)
_EDGES = " \t\r\n.,;:!?\u2026\u2014-\"\u201c\u201d'\u2018\u2019()"


class Piece(NamedTuple):
    """A stretch of a block: ``start`` to ``end`` with its markup, ``text_start`` to ``text_end`` without; ``tag`` if tagged."""

    start: int
    end: int
    text_start: int
    text_end: int
    tag: Tag | None


class Body(NamedTuple):
    """What is in a block: its pieces, its parts as values, and whether all markup was written exactly as it must be."""

    pieces: tuple[Piece, ...]
    parts: tuple[str | Tag, ...]
    exact: bool


class BlockReader:
    """Reads the blocks of one text; remembers the tags and attributes that it has seen."""

    def __init__(self, text: str, faults: FaultList) -> None:
        """Read blocks of ``text`` and add what is wrong with them to ``faults``."""
        self._text = text
        self._faults = faults
        self._ids: dict[str, Ids] = {}
        self._tags: dict[str, Tag] = {}

    def read(self, tokens: Sequence[re.Match[str]], start: int, end: int) -> Body:
        """What stands from ``start`` to ``end``; ``tokens`` are the matches of :data:`schemas.codecs.tags.TOKEN` in there."""
        body = self._read_flat(tokens, start, end)
        if body is not None:
            return body
        pieces = tuple(_Flattener(self._text, self._faults, self._lookup).read(tokens, start, end))
        return Body(pieces, _join_pieces(self._text, pieces), exact=False)

    def _lookup(self, attributes: str) -> Ids:
        found = self._ids.get(attributes)
        if found is None:
            found = self._ids[attributes] = read_ids(attributes)
        return found

    def _read_flat(self, tokens: Sequence[re.Match[str]], start: int, end: int) -> Body | None:
        """The way of nearly every block: whole flat tags with exact ids. ``None`` when anything is out of the ordinary."""
        text = self._text
        # A whole tag has two closing brackets; any more in the block belong to no tag.
        if text.count(">", start, end) != 2 * len(tokens):
            return None
        pieces: list[Piece] = []
        parts: list[str | Tag] = []
        position = start
        for token in tokens:
            left, right = token.span()
            source = token[0]
            tag = self._tags.get(source)
            if tag is None:
                tag = self._read_tag(token)
                if tag is None:
                    return None
                self._tags[source] = tag
            if left > position:
                pieces.append(Piece(position, left, position, left, None))
                parts.append(text[position:left])
            pieces.append(Piece(left, right, right - 6 - len(tag.text), right - 6, tag))
            parts.append(tag)
            position = right
        if end > position:
            pieces.append(Piece(position, end, position, end, None))
            parts.append(text[position:end])
        return Body(tuple(pieces), tuple(parts), exact=True)

    def _read_tag(self, token: re.Match[str]) -> Tag | None:
        """A whole flat tag; ``None`` unless it has text and exact ids."""
        letter, attributes, inside = token.group(1, 2, 3)
        if letter is None or inside.isspace():
            return None
        ids = self._lookup(attributes)
        return Tag(_KINDS[letter], ids.ids, inside) if ids.exact else None


def _join_pieces(text: str, pieces: Sequence[Piece]) -> tuple[str | Tag, ...]:
    """Pieces as parts: neighbouring texts are one."""
    parts: list[str | Tag] = []
    for piece in pieces:
        if piece.tag is not None:
            parts.append(piece.tag)
        elif parts and isinstance(parts[-1], str):
            parts[-1] += text[piece.start : piece.end]
        else:
            parts.append(text[piece.start : piece.end])
    return tuple(parts)


class _Owned(NamedTuple):
    """A stretch of text and the opening mark it belongs to (-1 for none)."""

    owner: int
    start: int
    end: int


class _Flattener:
    """Reads a block whose tags are nested, crossed, unclosed, empty, unknown or oddly written."""

    def __init__(self, text: str, faults: FaultList, lookup: Callable[[str], Ids]) -> None:
        self._text = text
        self._faults = faults
        self._lookup = lookup
        self._marks: list[Mark] = []
        self._cuts: list[tuple[int, int, int]] = []  # markup from start to end, and its place in the marks or -1
        self._owned: list[_Owned] = []

    def read(self, tokens: Sequence[re.Match[str]], start: int, end: int) -> list[Piece]:
        for token in tokens:
            self._take(token)
        partner, mismatched, unopened = match_marks(self._marks)
        self._report(partner, mismatched, unopened)
        self._own(partner, start, end)
        return self._assemble(partner)

    # ------------------------------------------------------------------ markup

    def _take(self, token: re.Match[str]) -> None:
        """Sort a token into marks, markup to leave out, and plain text."""
        start, end = token.span()
        if token[1] is not None:
            kind = _KINDS[token[1]]
            self._mark(Mark(kind, False, start, token.start(3), token[2]))
            self._mark(Mark(kind, True, token.end(3), end, ""))
        elif token[5] is None:
            self._faults.add("angle-bracket", start, start + 1, "< is the start of no tag")
        else:
            slash, name, attributes = token.group(4, 5, 6)
            tag_kind = read_kind(name)
            if tag_kind is None:
                self._faults.add("tag-unknown", start, end, f"{quote(token[0])} is none of gdi, gdo, gda, gdl")
                self._cuts.append((start, end, -1))
            elif not slash and attributes.rstrip().endswith("/"):
                self._faults.add("tag-empty", start, end, f"{quote(token[0])} is around no text")
                self._cuts.append((start, end, -1))
            else:
                if name != tag_kind or (slash and attributes):
                    shape = f"</{tag_kind}>" if slash else f"<{tag_kind} ...>"
                    self._faults.add("tag-form", start, end, f"{quote(token[0])} should read {shape}")
                self._mark(Mark(tag_kind, bool(slash), start, end, attributes.removeprefix(" ")))

    def _mark(self, mark: Mark) -> None:
        self._cuts.append((mark.start, mark.end, len(self._marks)))
        self._marks.append(mark)

    def _report(self, partner: Sequence[int], mismatched: Sequence[int], unopened: Sequence[int]) -> None:
        for place in mismatched:
            mark, opening = self._marks[place], self._marks[partner[place]]
            self._faults.add("tag-mismatch", mark.start, mark.end, f"</{mark.kind}> closes a {opening.kind}")
        for place in unopened:
            mark = self._marks[place]
            self._faults.add("tag-unopened", mark.start, mark.end, f"</{mark.kind}> closes nothing")
        for place, mark in enumerate(self._marks):
            if not mark.closing:
                self._report_opening(mark, partner[place])

    def _report_opening(self, mark: Mark, partner: int) -> None:
        source = quote(self._text[mark.start : mark.end])
        if partner < 0:
            self._faults.add("tag-unclosed", mark.start, mark.end, f"{source} is never closed")
        elif _BLANK.fullmatch(self._text, mark.end, self._marks[partner].start):
            self._faults.add("tag-empty", mark.start, mark.end, f"{source} is around no text")
        ids = self._lookup(mark.attributes)
        for word in ids.strange:
            self._faults.add("id-unknown", mark.start, mark.end, f"{quote(word)} is no entity id")
        if not ids.ids and not ids.strange:
            self._faults.add("tag-empty", mark.start, mark.end, f"{source} names no id")
        elif not ids.exact and not ids.strange:
            shape = f"<{mark.kind} {' '.join(ids.ids)}>"
            self._faults.add("tag-form", mark.start, mark.end, f"{source} should read {quote(shape)}")

    # ------------------------------------------------------------------ text

    def _own(self, partner: Sequence[int], start: int, end: int) -> None:
        """Give every stretch of text to the tag that was opened last and is still open there."""
        active: list[int] = []
        closed = [False] * len(self._marks)
        position = start
        for left, right, place in self._cuts:
            self._give(position, left, active, partner)
            position = right
            if place < 0:
                continue
            if not self._marks[place].closing:
                self._report_depth(place, active, partner)
                active.append(place)
            elif partner[place] >= 0:
                closed[partner[place]] = True
                while active and closed[active[-1]]:
                    active.pop()
        self._give(position, end, active, partner)

    def _report_depth(self, place: int, active: Sequence[int], partner: Sequence[int]) -> None:
        if active and partner[place] >= 0 and partner[active[-1]] >= 0:
            mark, outer = self._marks[place], self._marks[active[-1]]
            crossed = partner[place] > partner[active[-1]]
            code, told = ("tag-crossed", "crosses") if crossed else ("tag-nested", "stands inside")
            self._faults.add(code, mark.start, mark.end, f"this {mark.kind} {told} a {outer.kind}")

    def _give(self, start: int, end: int, active: list[int], partner: Sequence[int]) -> None:
        if active and partner[active[-1]] < 0:
            # A tag that is never closed holds the mention right after it, or nothing.
            left, right = find_mention(self._text, start, end)
            if right > left:
                if left > start:
                    self._owned.append(_Owned(-1, start, left))
                self._owned.append(_Owned(active[-1], left, right))
                start = right
            active.pop()
        if end > start:
            self._owned.append(_Owned(active[-1] if active else -1, start, end))
            at = self._text.find(">", start, end)
            while at >= 0:
                self._faults.add("angle-bracket", at, at + 1, "> is the end of no tag")
                at = self._text.find(">", at + 1, end)

    def _assemble(self, partner: Sequence[int]) -> list[Piece]:
        """Stretches of one tag become one piece; a tag that others interrupt becomes several, without blank edges."""
        runs: list[list[_Owned]] = []
        for stretch in self._owned:
            if runs and stretch.owner >= 0 and runs[-1][0].owner == stretch.owner:
                runs[-1].append(stretch)
            else:
                runs.append([stretch])
        counts = Counter(run[0].owner for run in runs)
        pieces: list[Piece] = []
        for run in runs:
            owner, start, end = run[0].owner, run[0].start, run[-1].end
            words = "".join(self._text[stretch.start : stretch.end] for stretch in run)
            ids = self._lookup(self._marks[owner].attributes).ids if owner >= 0 else ()
            closing = partner[owner] if owner >= 0 else -1
            divided = counts[owner] > 1 or (closing >= 0 and self._marks[closing].start != end)
            if not ids or not words.strip(_EDGES if divided else None):
                pieces.extend(Piece(one.start, one.end, one.start, one.end, None) for one in run)
                continue
            kind = self._marks[owner].kind
            if divided:
                tag = _tag(kind, ids, words.strip(_EDGES))
                first, last = _find_edges(self._text, run)
                pieces.extend(_plain(one.start, min(one.end, first)) for one in run if one.start < first)
                pieces.append(Piece(first, last, first, last, tag))
                pieces.extend(_plain(max(one.start, last), one.end) for one in run if one.end > last)
            else:
                outer_end = self._marks[closing].end if closing >= 0 else end
                pieces.append(Piece(self._marks[owner].start, outer_end, start, end, _tag(kind, ids, words)))
        return pieces


def _plain(start: int, end: int) -> Piece:
    return Piece(start, end, start, end, None)


def _find_edges(text: str, run: Sequence[_Owned]) -> tuple[int, int]:
    """Where the words of a run begin and end, its edges and the markup between its stretches left out."""
    places = [place for one in run for place in range(one.start, one.end) if text[place] not in _EDGES]
    return places[0], places[-1] + 1


def _tag(kind: str, ids: tuple[str, ...], words: str) -> Tag:
    return Tag(_KINDS[kind[2]], ids, words)


def find_mention(text: str, start: int, end: int) -> tuple[int, int]:
    """The mention with which a stretch of text begins: a word, a name of several words, or an article with its noun.

    Returns:
        Its offsets; an empty range where there is no word before ``end``.
    """
    first = _WORD.search(text, start, end)
    if first is None:
        return start, start
    left, right = first.span()
    if first[0].lower() in _DETERMINERS:
        noun = _NEXT_WORD.match(text, right, end)
        return left, right if noun is None else noun.end()
    if first[0][0].isupper():
        following = _NEXT_WORD.match(text, right, end)
        while following is not None and following[1][0].isupper():
            right = following.end()
            following = _NEXT_WORD.match(text, right, end)
    return left, right
