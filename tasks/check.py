"""``check``: every story of a dataset, folder or file against the rules of ``schemas.rules``.

In: Parquet in the layout of StoryReasoning, a dataset on the Hub, or text files with a model's answers. Out: counts by rule
and the worst stories; with ``copy``, a repaired copy too. Memory does not grow with the number of stories.
"""

import heapq
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from schemas.errors import ConfigError, SourceError
from schemas.faults import Fault
from schemas.repair import Fix, repair
from schemas.rules import RULES, Level
from schemas.validation import check_texts
from tasks.check_files import TEXT_SUFFIXES, StoryText, check_hub, check_parquet, check_text
from tasks.runtime.keys import natural_key

WORST_STORIES = 5
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_DATASET_FOLDERS = ("dataset/default", "default", "data", ".")


@dataclass(frozen=True, slots=True)
class StoryReport:
    """What is wrong with one story. ``places`` are line and column of each fault in its text, or in its file."""

    source: str
    name: str
    faults: tuple[Fault, ...]
    places: tuple[tuple[int, int], ...]
    fixes: tuple[Fix, ...] = ()
    left: tuple[Fault, ...] = ()


@dataclass(slots=True)
class CheckReport:
    """Counts over all stories. ``rules`` and ``left`` count faults by rule before and after repair, ``fixes`` the repairs."""

    source: str
    level: Level
    stories: int = 0
    faulty: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    fixes: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    worst: list[StoryReport] = field(default_factory=list)
    written: list[Path] = field(default_factory=list)


def check_source(
    source: str,
    level: Level = "strict",
    *,
    copy: Path | None = None,
    on_story: Callable[[StoryReport], None] | None = None,
) -> CheckReport:
    """Check every story of a source.

    Args:
        source: a Parquet file, a text file, a folder of either, a workspace, or ``owner/name`` of a dataset on the Hub.
        level: the rules that count.
        copy: where a repaired copy is written: a file for a file, a folder for a folder or a dataset of the Hub.
        on_story: called with each story that has a fault, in order.

    Raises:
        SourceError: there is nothing to check, or it cannot be read.
        ConfigError: the copy would take the place of the source.
    """
    checker = _Checker(source, level, copy is not None, on_story)
    place = Path(source)
    if not place.exists():
        if not _HUB_NAME.fullmatch(source):
            raise SourceError(
                f"{source} does not exist: give a Parquet or text file, a folder, or owner/name on the Hub"
            )
        checker.file = source
        check_hub(source, checker.take, copy, with_sizes=level == "strict")
        checker.report.written = sorted(copy.rglob("*.parquet")) if copy is not None else []
        return checker.finish()
    files = find_files(place)
    _refuse_overwriting(place, copy)
    for path in files:
        checker.file = path.name if place.is_file() else str(path.relative_to(place))
        target = _target(place, path, copy)
        if path.suffix in TEXT_SUFFIXES:
            check_text(path, checker.take, target)
        else:
            check_parquet(path, checker.take, target, with_sizes=level == "strict")
        if target is not None:
            checker.report.written.append(target)
    return checker.finish()


def find_files(place: Path) -> list[Path]:
    """The files to check: the file itself; of a dataset or workspace its stories; of a folder its Parquet, else its texts.

    Raises:
        SourceError: there is none.
    """
    if place.is_file():
        if place.suffix != ".parquet" and place.suffix not in TEXT_SUFFIXES:
            raise SourceError(f"{place} is neither Parquet nor text: give a .parquet, .txt or .md file")
        return [place]
    for folder in (place / name for name in _DATASET_FOLDERS):
        files = folder.glob("*.parquet") if folder.is_dir() else ()
        found = sorted(files, key=lambda path: natural_key(path.name))
        if found:
            return found
    texts = [path for path in place.rglob("*") if path.suffix in TEXT_SUFFIXES and path.stem.lower() != "readme"]
    if not texts:
        raise SourceError(f"{place} holds no stories: neither Parquet files nor .txt or .md files")
    return sorted(texts, key=lambda path: natural_key(str(path.relative_to(place))))


def _target(place: Path, path: Path, copy: Path | None) -> Path | None:
    if copy is None:
        return None
    if place.is_file():
        return copy / path.name if copy.is_dir() else copy
    return copy / path.relative_to(place)


def _refuse_overwriting(place: Path, copy: Path | None) -> None:
    if copy is None:
        return
    inside = copy.resolve().is_relative_to(place.resolve()) if place.is_dir() else copy.resolve() == place.resolve()
    if inside or (place.is_file() and copy.is_dir() and copy.resolve() == place.resolve().parent):
        raise ConfigError(f"--fix {copy} lies on what is checked: name another place for the repaired copy")


class _Checker:
    """Checks story after story and keeps the counts."""

    def __init__(self, source: str, level: Level, mend: bool, on_story: Callable[[StoryReport], None] | None) -> None:
        self.report = CheckReport(source, level)
        self.file = source
        self._mend = mend
        self._on_story = on_story
        self._worst: list[tuple[int, int, StoryReport]] = []

    def take(self, given: StoryText) -> tuple[str | None, str | None]:
        """Count one story; gives its texts back, mended if that is asked for."""
        report = self.report
        report.stories += 1
        self._note(given)
        cot, story = given.chain_of_thought, given.story
        faults = check_texts(cot, story, frame_count=given.frame_count, frame_sizes=given.sizes, level=report.level)
        if not faults:
            return cot, story
        report.faulty += 1
        report.rules.update(fault.code for fault in faults)
        told = StoryReport(self.file, given.name, faults, tuple(map(given.locate, faults)))
        if self._mend:
            mended = repair(cot, story, frame_count=given.frame_count, frame_sizes=given.sizes, level=report.level)
            report.fixes.update(fix.code for fix in mended.fixes)
            report.left.update(fault.code for fault in mended.faults)
            told = StoryReport(told.source, told.name, faults, told.places, mended.fixes, mended.faults)
            cot = None if cot is None else mended.chain_of_thought
            story = None if story is None else mended.story
        if self._on_story is not None:
            self._on_story(told)
        # The most faults first; of equals the one that came first.
        heapq.heappush(self._worst, (len(faults), -report.stories, told))
        if len(self._worst) > WORST_STORIES:
            heapq.heappop(self._worst)
        return cot, story

    def _note(self, given: StoryText) -> None:
        notes = self.report.notes
        if given.chain_of_thought is None:
            notes["stories without a chain of thought: their ids were not looked up"] += 1
        elif given.story is None:
            notes["chains of thought without a story"] += 1
        if self.report.level != "strict" or given.chain_of_thought is None:
            return
        if given.sizes is None:
            notes["stories without images: their boxes were not held against the frames"] += 1
        elif None in given.sizes:
            notes["stories with images that cannot be read: boxes in those were not held against the frame"] += 1

    def finish(self) -> CheckReport:
        self.report.worst = [told for _, _, told in sorted(self._worst, key=lambda entry: entry[:2], reverse=True)]
        return self.report


def count_by_rule(counts: Counter[str]) -> Sequence[tuple[str, Level, int]]:
    """Code, level and count of each rule that is broken, most first, then in the order of the documentation."""
    order = {code: place for place, code in enumerate(RULES)}
    return [
        (code, RULES[code].level, count)
        for code, count in sorted(counts.items(), key=lambda item: (-item[1], order[item[0]]))
        if count
    ]
