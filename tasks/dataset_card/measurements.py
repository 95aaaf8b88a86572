"""``measurements.json``: the numbers of a dataset, for the next release to be held against."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.dataset_card.facts import CardFacts, StageFacts
from tasks.dataset_card.identity import quality_numbers

PATH = "measurements.json"
FORMAT = 1
_DIGITS = 6


def measurements(facts: CardFacts) -> Mapping[str, Any]:
    """What is compared from release to release, as JSON-like values; the same dataset gives the same numbers."""
    summary, identity, grounding = facts.statistics, facts.identity, facts.grounding
    rounded: Mapping[str, Any] = _round(
        {
            "format": FORMAT,
            "stories": facts.stories,
            "splits": {split.name: split.rows for split in facts.configs[0].splits},
            "films": {film.name: film.stories for film in facts.films},
            "frames_mean": summary.frames_mean,
            "words_mean": summary.words_mean,
            "characters_mean": summary.characters_mean,
            "entities_per_image": dict(summary.entities_per_image),
            "persistence": {
                kind: {str(least): share.percent / 100 for least, share in shares.items()}
                for kind, shares in summary.persistence.items()
            },
            "ungrounded": summary.ungrounded.percent / 100,
            "identity": {
                "entities": identity.entities,
                "linked": identity.linked,
                "mean_confidence": identity.mean_confidence,
                "doubtful": identity.doubtful / identity.links if identity.links else 0.0,
                **quality_numbers(facts.quality),
            },
            "grounding": {
                "tags": grounding.tags.percent / 100,
                "mentioned": {kind: share.percent / 100 for kind, share in grounding.mentioned.items()},
                "score": grounding.score,
            },
            "labels": {label: count / grounding.detections for label, count in grounding.labels.items()},
            "losses": _losses(facts.stages),
        }
    )
    return rounded


def read_measurements(dataset: Path) -> Mapping[str, Any]:
    """The numbers of the dataset in a folder; none where they cannot be read."""
    try:
        value = json.loads((dataset / PATH).read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _losses(stages: Sequence[StageFacts]) -> float:
    """Share of the stories that were begun and did not come out."""
    told = [stage for stage in stages if stage.unit == "story"]
    began = told[0].items_in if told else 0
    return 1 - told[-1].items_out / began if began else 0.0


def _round(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DIGITS)
    return {str(key): _round(child) for key, child in value.items()} if isinstance(value, Mapping) else value
