"""The sound pair and the examples of ``docs/grounding.md``."""

import re
from dataclasses import dataclass
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "grounding.md"
_ROW = re.compile(r"\| `([a-z-]+)` \| (\w+) \| (.+?) \| (`.+?`|\(nothing\)) \| (`.+?`|\(nothing\)) \| ([a-z ]+) \|")
_LEFT_OUT = re.compile(" ?(\u2026[\u2081\u2082]?) ?")


@dataclass(frozen=True)
class Example:
    code: str
    level: str
    sentence: str
    wrong: str
    right: str
    repair: str


@dataclass(frozen=True)
class Pair:
    chain_of_thought: str
    story: str
    frame_count: int
    sizes: tuple[tuple[int, int], ...]


def read_examples() -> list[Example]:
    rows = [_ROW.fullmatch(line) for line in DOCUMENT.read_text("utf-8").splitlines() if line.startswith("| `")]
    assert all(rows), "a row of the table of rules cannot be read"
    return [
        Example(row[1], row[2], row[3].replace("&lt;", "<").replace("&gt;", ">"), _show(row[4]), _show(row[5]), row[6])
        for row in rows
        if row is not None
    ]


def read_blocks() -> list[str]:
    """The chain of thought, the story and the frames of the sound pair."""
    return re.findall(r"^```text\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def make_pair(blocks: list[str]) -> Pair:
    cot, story, frames = blocks
    count = re.search(r"frame_count: (\d+)", frames)
    assert count is not None
    sizes = tuple((int(width), int(height)) for width, height in re.findall(r"(\d+)x(\d+)", frames))
    return Pair(cot, story.removesuffix("\n"), int(count[1]), sizes)


def spoil(example: Example) -> Pair:
    """The sound pair with what is right in an example replaced by what is wrong."""
    pattern = "(.*?)".join(re.escape(part) for part in _LEFT_OUT.split(example.right)[::2])
    marks = _LEFT_OUT.findall(example.right)
    blocks = read_blocks()
    for place, block in enumerate(blocks):
        found = re.search(pattern, block, re.DOTALL)
        if found is not None:
            wrong = example.wrong
            for mark, text in zip(marks, found.groups(), strict=True):
                wrong = re.sub(f" ?{mark}(?![\u2081\u2082]) ?", lambda _, text=text: text, wrong)  # type: ignore[misc]
            blocks[place] = block[: found.start()] + wrong + block[found.end() :]
            return make_pair(blocks)
    raise AssertionError(f"{example.code}: {example.right!r} does not stand in the sound pair")


def _show(cell: str) -> str:
    if cell == "(nothing)":
        return ""
    return cell[1:-1].replace("\\|", "|").replace("\u23ce", "\n").replace("\\u2028", "\u2028")
