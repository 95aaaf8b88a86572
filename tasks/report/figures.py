"""What is counted over all stories for the charts, one story at a time."""

from collections import Counter
from dataclasses import dataclass, field

from schemas.chain_of_thought import ParsedChainOfThought
from schemas.evidence import StoryEvidence
from schemas.statistics import DatasetStatistics, Share, Summary
from schemas.story import ParsedStory
from tasks.dataset_card.measure import describe
from tasks.report.charts import Bin, Curve, columns, count_bins, curves, share_bins
from tasks.report.markup import Markup, element, table

_LONGEST = 22
_TAG_NAMES = {"gdo": "gdo mentions", "gda": "gda actions", "gdl": "gdl places"}
_PHASE_TICKS = {"Introduction": "Intro", "Development": "Develop.", "Turning Point": "Turning", "Conclusion": "Concl."}


@dataclass(slots=True)
class Figures:
    """Numbers gathered from stories, in the order in which they came."""

    statistics: DatasetStatistics = field(default_factory=DatasetStatistics)
    frames: list[int] = field(default_factory=list)
    entities: list[int] = field(default_factory=list)
    words: list[int] = field(default_factory=list)
    people_scores: list[float] = field(default_factory=list)
    thing_scores: list[float] = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)

    def add(self, evidence: StoryEvidence, analysis: ParsedChainOfThought, told: ParsedStory) -> None:
        """Count a story in."""
        own = DatasetStatistics()
        own.add(analysis, told, len(evidence.frames))
        self.statistics.merge(own)
        spans = Counter(view.entity_id for frame in evidence.frames for view in frame.entities)
        for frame in evidence.frames:
            for view in frame.entities:
                (self.people_scores if view.kind == "char" else self.thing_scores).append(view.score)
                # What is seen once was linked to nothing: there is no link to be sure or unsure of.
                if spans[view.entity_id] > 1:
                    self.confidences.append(view.confidence)
        self.frames.append(len(evidence.frames))
        self.entities.append(len(spans))
        self.words.append(own.words)


def persistence(summary: Summary, kind: str) -> tuple[float, ...]:
    """Share of the entities of a kind that are in at least 1, 2, 3, ... frames of their story; empty when there is none."""
    lasting = [share for least, share in sorted(summary.persistence[kind].items()) if least <= _LONGEST]
    # The summary always reaches up to a few frames: past the longest stay it says nothing more than one zero.
    shown = next((i + 1 for i, share in enumerate(lasting) if not share.part), len(lasting))
    return tuple(share.percent / 100 for share in lasting[:shown]) if any(map(_counted, lasting)) else ()


def _counted(share: Share) -> bool:
    return share.whole > 0


def draw_figures(figures: Figures) -> Markup:
    """All charts."""
    summary = figures.statistics.summarise()
    lines = [
        Curve("people", "one", persistence(summary, "char")),
        Curve("things", "two", persistence(summary, "obj")),
    ]
    tags = [Bin(name, figures.statistics.tags[kind]) for kind, name in _TAG_NAMES.items()]
    phases = [Bin(phase, images, _PHASE_TICKS.get(phase, "")) for phase, images in summary.phase_images.items()]
    return element(
        "div",
        {"class": "charts"},
        columns("Frames per story", count_bins(figures.frames), "frames", "stories"),
        columns("Entities per story", count_bins(figures.entities), "people and things", "stories"),
        columns("Words per story", count_bins(figures.words), "words", "stories"),
        curves("How long entities stay", [line for line in lines if line.shares], "frames of the story, or more"),
        columns("Tags by kind", tags, "kind of tag", "tags"),
        columns("Narrative phases", phases, "phase", "images"),
        columns("Identity links", share_bins(figures.confidences), "confidence of the link", "links"),
        columns("People found", share_bins(figures.people_scores), "score of the detector", "detections"),
        columns("Things found", share_bins(figures.thing_scores), "score of the detector", "detections"),
    )


def draw_statistics(figures: Figures) -> Markup:
    """All numbers that the dataset's card has of the stories, folded in."""
    rows = [
        (heading if i == 0 else "", name, value)
        for heading, values in describe(figures.statistics.summarise()).items()
        for i, (name, value) in enumerate(values)
    ]
    return element(
        "details", None, element("summary", None, "All numbers"), table(("About", "Measure", "Value"), rows, (2,))
    )
