"""Texts that nobody would write on purpose: mutations of valid ones and random Unicode, all from a seed."""

import random
from collections.abc import Iterator

from schemas.chain_of_thought import render_chain_of_thought
from schemas.story import render_story
from tests.perf.codec_samples import build_value

_FRAGMENTS = (
    *(
        "|",
        "\\|",
        "||",
        "\n",
        "\n\n",
        "\r\n",
        "\r",
        "\u2028",
        "\x0b",
        "\x85",
        " ",
        "\t",
        "\ufeff",
        "\x00",
        "\U0001f600",
    ),
    *("## Image 1", "## Image 99999999999", "# image 2: a title", "**Image 3**", "### Characters", "### Objects:"),
    *(
        "## Setting",
        "## Narrative Structure",
        "### Nonsense",
        "---",
        "```",
        "```markdown\n",
        "|---|---|",
        "| | | | | | |",
    ),
    *("| Character ID | Name |", "| char1 | a | b | c | d | e | 1,2,3,4 |", "| Location |", "char1", "Char 01", "bg0"),
    *("1,2,3,4", "[1, 2, 3, 4]", "0.1,0.2,0.3,0.4", "1.5,2.5,3.5,4.5", "9,9,1,1", "-1,-2,-3,-4", "1-9999", "1-3, 5"),
    *("<", ">", "</", "<gdi image1>", "</gdi>", "<gdi image", "<GDI Image 2>", "<gdi>", "</think>", "<think>\n", "<b>"),
    *("<gdo char1>", "</gdo>", "<gdo char1,char2>", "<gda char1>", "</gda>", "<gdl bg1>", "</gdl>", "<gdo/>", "<gdo >"),
    *(
        "<gdo char1>He</gdo>",
        "<gdo char9>She</gdo>",
        "<gdx char1>",
        "<gdo id='char1'>",
        "he",
        "I",
        "you",
        '"',
        "\u201c",
    ),
)


def make_texts(count: int, seed: int) -> Iterator[tuple[str, str]]:
    """Pairs of a chain of thought and a story, most of them spoiled in one to eight places, some wholly random."""
    source = random.Random(seed)
    originals = [build_value(frames, frames) for frames in (1, 1, 2, 3)]
    pairs = [(render_chain_of_thought(tables), render_story(story)) for tables, story in originals]
    for _ in range(count):
        chain_of_thought, story = source.choice(pairs)
        if source.random() < 0.1:
            yield _invent(source), _invent(source)
        else:
            yield _spoil(chain_of_thought, source), _spoil(story, source)


def _spoil(text: str, source: random.Random) -> str:
    for _ in range(source.randrange(1, 9)):
        at = source.randrange(len(text) + 1)
        end = min(len(text), at + source.choice((0, 1, 1, 2, 5, 20, 200)))
        kind = source.random()
        if kind < 0.5:
            text = text[:at] + source.choice(_FRAGMENTS) + text[end:]
        elif kind < 0.7:
            text = text[:at] + text[end:]
        elif kind < 0.8:
            text = text[:at] + text[at:end] * 2 + text[end:]
        elif kind < 0.9:
            other = source.randrange(len(text) + 1)
            text = text[:other] + text[at:end] + text[other:]
        else:
            text = text[:at] + _letters(source, 3) + text[end:]
    return text


def _invent(source: random.Random) -> str:
    if source.random() < 0.5:
        return _letters(source, source.randrange(0, 300))
    return "".join(source.choice((*_FRAGMENTS, " word ", "\n")) for _ in range(source.randrange(0, 120)))


def _letters(source: random.Random, count: int) -> str:
    return "".join(
        chr(source.choice((source.randrange(128), source.randrange(0x3000), source.randrange(0x110000))))
        for _ in range(count)
    )
