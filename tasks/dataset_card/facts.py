"""What a dataset card is made of: measured values, and nothing else."""

from dataclasses import dataclass, field

import pyarrow as pa

from schemas.statistics import Summary
from tasks.dataset_card.grounding import GroundingFacts
from tasks.dataset_card.identity import NOT_MEASURED, IdentityQuality

DOUBTFUL = 0.7
"""Confidence of an identity link below which a person should look at it."""


@dataclass(frozen=True, slots=True)
class SplitFacts:
    """One split of one config: ``bytes`` uncompressed as Arrow holds it, ``file_bytes`` as it lies on disk."""

    name: str
    rows: int
    bytes: int
    file_bytes: int


@dataclass(frozen=True, slots=True)
class ConfigFacts:
    """One config of the dataset: its name, its schema as published, its splits in order."""

    name: str
    schema: pa.Schema
    splits: tuple[SplitFacts, ...]


@dataclass(frozen=True, slots=True)
class StageFacts:
    """What one stage took in, gave out and left out, counted in ``unit``; reasons with their counts, most first."""

    name: str
    unit: str
    items_in: int
    items_out: int
    rejected: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model (or calibration) at work in a stage; ``licence``, ``upstream`` and ``caveats`` are empty where not known."""

    stage: str
    name: str
    sha256: str
    licence: str = ""
    upstream: str = ""
    caveats: str = ""


@dataclass(frozen=True, slots=True)
class FilmFacts:
    """A film: its split, what of it is in the dataset, and its licence and origin as given; empty where not known.

    ``moved`` says why it is not in the split drawn for it: which frame it shares with a film of the other; else empty.
    """

    name: str
    split: str
    stories: int
    frames: int
    licence: str = ""
    source: str = ""
    moved: str = ""


@dataclass(frozen=True, slots=True)
class DrafterFacts:
    """Who wrote how many stories, with which prompts, and what that cost; ``model`` is empty where no model did."""

    drafter: str
    model: str
    prompt_version: str
    stories: int
    input_tokens: int
    output_tokens: int
    cost_usd: float


@dataclass(frozen=True, slots=True)
class IdentityFacts:
    """How sure re-identification is, without labels.

    ``links`` are the detections of the ``linked`` entities (seen more than once), ``doubtful`` those of them with a
    confidence below :data:`DOUBTFUL`.
    """

    entities: int
    linked: int
    links: int
    doubtful: int
    mean_confidence: float


@dataclass(frozen=True, slots=True)
class CardFacts:
    """Everything that a card says.

    Attributes:
        title: name of the dataset for people.
        licence: identifier that the Hub knows; ``other`` where the films decide.
        notice: what must be said about the frames (who made them, that they are synthetic), as its owner wrote it.
        configs: what is published; the first is the default one.
        stages: counts of every stage, in order.
        models: models in use.
        drafters: who wrote the stories.
        films: every film that went in.
        statistics: of the stories.
        identity: how sure the links between detections are.
        settings: configuration values that differ from the defaults, by dotted name.
        config_digest: content key of the whole configuration.
        version: version of the software.
        quality: how good identities are, measured on them again and against labels.
        grounding: how far the text is tied to the frames, and what was detected.
        extras: layouts beside Parquet that were asked for: ``coco``, ``webdataset``.
    """

    title: str
    licence: str
    notice: str
    configs: tuple[ConfigFacts, ...]
    stages: tuple[StageFacts, ...]
    models: tuple[ModelFacts, ...]
    drafters: tuple[DrafterFacts, ...]
    films: tuple[FilmFacts, ...]
    statistics: Summary
    identity: IdentityFacts
    settings: tuple[tuple[str, str], ...]
    config_digest: str
    version: str
    quality: IdentityQuality = NOT_MEASURED
    grounding: GroundingFacts = field(default_factory=GroundingFacts)
    extras: tuple[str, ...] = ()

    @property
    def stories(self) -> int:
        """Stories over all splits."""
        return sum(split.rows for split in self.configs[0].splits)
