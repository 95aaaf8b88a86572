"""How far the text is tied to the frames, and what the detector sees: counted, not claimed."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from schemas.statistics import Share
from tasks.runtime.stage import Row, RunSpec, ShardRef

KINDS = {"char": "characters", "obj": "objects", "lm": "landmarks", "bg": "background regions"}


@dataclass(frozen=True, slots=True)
class GroundingFacts:
    """What a dataset's stories are tied to.

    ``tags`` are tags all of whose entities have a box in the tag's own frame, of all tags; ``mentioned`` gives for each kind the
    boxes whose entity the story names in that frame, of all boxes of entities; ``grounded`` are detections that are part of
    an entity, of all in these frames; ``origins`` and ``labels`` count detections; ``score`` is the detector's mean score of
    boxes of entities.
    """

    tags: Share = field(default_factory=lambda: Share(0, 0))
    mentioned: Mapping[str, Share] = field(default_factory=dict)
    grounded: Share = field(default_factory=lambda: Share(0, 0))
    origins: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, int] = field(default_factory=dict)
    score: float = 0.0

    @property
    def detections(self) -> int:
        """Everything that was found in the frames of stories."""
        return sum(self.origins.values())


@dataclass(slots=True)
class _Counts:
    tags: int = 0
    tied: int = 0
    boxes: Counter[str] = field(default_factory=Counter)
    named: Counter[str] = field(default_factory=Counter)
    origins: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    scores: float = 0.0

    def add(self, grounded: Row, analysis: Row, found: Sequence[Sequence[Row]]) -> None:
        """Count a story; ``found`` are the detections of its frames in order."""
        scores = {
            (number, one["det_id"]): one["score"]
            for number, detections in enumerate(found, start=1)
            for one in (*detections, *(d for d in analysis["detections"] if d["frame"] == number))
        }
        for detection in (one for part in (*found, analysis["detections"]) for one in part):
            self.origins[detection["origin"]] += 1
            self.labels[detection["label"]] += 1
        seen: dict[tuple[int, str], str] = {}
        for entity in analysis["entities"]:
            for member in entity["members"]:
                seen[member["frame"], entity["entity_id"]] = entity["kind"]
                self.scores += scores.get((member["frame"], member["det_id"]), 0.0)
        named = {(link["frame"], entity_id) for link in grounded["links"] for entity_id in link["ids"]}
        self.tags += len(grounded["links"])
        self.tied += sum(all((link["frame"], one) in seen for one in link["ids"]) for link in grounded["links"])
        self.boxes.update(seen.values())
        self.named.update(kind for place, kind in seen.items() if place in named)

    def facts(self) -> GroundingFacts:
        boxes = self.boxes.total()
        return GroundingFacts(
            tags=Share(self.tied, self.tags),
            mentioned={kind: Share(self.named[kind], self.boxes[kind]) for kind in KINDS if self.boxes[kind]},
            grounded=Share(boxes, self.origins.total()),
            origins=dict(sorted(self.origins.items())),
            labels=dict(sorted(self.labels.items(), key=lambda item: (-item[1], item[0]))),
            score=self.scores / boxes if boxes else 0.0,
        )


def measure_grounding(run: RunSpec, refs: Sequence[ShardRef]) -> GroundingFacts:
    """What the kept stories of a run are tied to."""
    counts = _Counts()
    for ref in refs:
        kept = {row["story_key"]: row for row in _rows(run, ref, "ground", ["story_key", "frame_ids", "links"])}
        if not kept:
            continue
        found = {row["frame_id"]: row["detections"] for row in _rows(run, ref, "faces", ["frame_id", "detections"])}
        for row in _rows(run, ref, "draft_analysis", ["story_key", "entities", "detections"]):
            grounded = kept.get(row["story_key"])
            if grounded is not None:
                counts.add(grounded, row, [found[frame_id] for frame_id in grounded["frame_ids"]])
    return counts.facts()


def _rows(run: RunSpec, ref: ShardRef, stage: str, columns: list[str]) -> Iterator[Row]:
    reader = run.store.read(stage, ref.shard, ref.keys[stage])
    try:
        yield from reader.select(columns)
    finally:
        reader.close()


def describe_grounding(facts: GroundingFacts) -> Iterator[tuple[str, str]]:
    """Label and value of each number."""
    yield "tags whose entities all have a box in that frame", _share(facts.tags)
    for kind, value in facts.mentioned.items():
        yield f"boxes of {KINDS[kind]} that the story speaks of in that frame", _share(value)
    yield "detections that became part of an entity", _share(facts.grounded)
    yield "detector's score of boxes of entities, mean", f"{facts.score:.2f}"
    for origin, count in facts.origins.items():
        yield f"detections found by {origin}", _share(Share(count, facts.detections))


def _share(value: Share) -> str:
    return f"{value.percent:.1f} % of {value.whole:,}"
