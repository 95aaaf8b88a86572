"""What a dataset should not be trusted with, said from its own numbers. A limit that the numbers do not show is not said."""

from collections.abc import Iterator

from schemas.statistics import Share
from tasks.dataset_card.facts import DOUBTFUL, CardFacts
from tasks.dataset_card.grounding import KINDS
from tasks.dataset_card.markdown import escape_markdown

FEW_TEST_STORIES = 100
"""Test stories below which one story more or less moves a score by more than a hundredth."""
_UNEVEN = 50.0
"""Percent of the stories from one film, or of the detections with one label, from which it is said."""
_SELDOM = 50.0
"""Percent of a kind's boxes that the stories speak of, below which it is said."""


def limits(facts: CardFacts) -> Iterator[str]:
    """Points in Markdown, each with the number that it stands on."""
    yield from _identity(facts)
    yield from _text(facts)
    yield from _detector(facts)
    yield from _balance(facts)
    yield (
        "Nothing in the dataset says who a person in a frame is, names are made up, and it must not be used to find out. Boxes, "
        "identities and scores are the output of models and were not checked by people."
    )


def _identity(facts: CardFacts) -> Iterator[str]:
    identity = facts.identity
    if identity.doubtful:
        doubtful = Share(identity.doubtful, identity.links)
        yield (
            f"{doubtful.percent:.1f} % of the links between detections ({identity.doubtful:,} of {identity.links:,}) have a "
            f"confidence below {DOUBTFUL}: a wrong one gives a person the deeds of another. The `grounding` config has the "
            "confidence of every link to filter by."
        )
    once = identity.entities - identity.linked
    if once:
        seen = Share(once, identity.entities)
        yield f"{seen.percent:.1f} % of the entities ({once:,}) are seen in one frame only: they tell nothing about identity."
    by_face = facts.grounding.origins.get("face", 0)
    if by_face:
        share = Share(by_face, facts.grounding.detections)
        yield f"{share.percent:.1f} % of the detections are people known by the face alone: their box is a guess from it."


def _text(facts: CardFacts) -> Iterator[str]:
    told = sum(one.stories for one in facts.drafters)
    plain = sum(one.stories for one in facts.drafters if not one.model)
    if plain:
        yield (
            f"{Share(plain, told).percent:.0f} % of the stories ({plain:,}) were put together from measurements by rule, without "
            "a language model: they say what is seen, in few turns of phrase, and have little plot."
        )
    for one in facts.drafters:
        if one.model:
            yield (
                f"{one.stories:,} stories were written by {escape_markdown(one.model)}: emotions, motives and what happens "
                "between frames are its invention."
            )
    ungrounded = facts.statistics.ungrounded
    if ungrounded.part:
        yield f"{ungrounded.percent:.1f} % of the pronouns ({ungrounded.part:,}) are in no tag."
    for kind, value in facts.grounding.mentioned.items():
        if value.percent < _SELDOM:
            yield (
                f"Of the boxes of {KINDS[kind]} the stories speak of {value.percent:.1f} %: the others are in the tables only."
            )


def _detector(facts: CardFacts) -> Iterator[str]:
    labels, count = facts.grounding.labels, facts.grounding.detections
    if labels:
        label, most = next(iter(labels.items()))
        share = Share(most, count)
        if share.percent >= _UNEVEN and len(labels) > 1:
            yield (
                f"{share.percent:.0f} % of the detections are labelled {escape_markdown(label)}, the other {len(labels) - 1:,} "
                "labels share the rest: what the detector has no label for is missing from tables and stories."
            )
        elif len(labels) > 1:
            yield f"The detector used {len(labels):,} labels: what has none is missing from tables and stories."
    lost = sum(c for stage in facts.stages if stage.unit == "frame" for _, c in stage.rejected)
    came = next((stage.items_in for stage in facts.stages if stage.unit == "frame"), 0)
    if lost:
        yield f"{Share(lost, came).percent:.1f} % of the frames ({lost:,} of {came:,}) were left out, for the reasons above."


def _balance(facts: CardFacts) -> Iterator[str]:
    films = [film for film in facts.films if film.stories]
    largest = max(films, key=lambda film: film.stories, default=None)
    if largest is not None and len(films) > 1:
        share = Share(largest.stories, facts.stories)
        if share.percent >= _UNEVEN:
            yield f"{share.percent:.0f} % of the stories are from one film, {escape_markdown(largest.name)}."
    elif largest is not None:
        yield "All stories are from one film."
    tested = sum(split.rows for split in facts.configs[0].splits if split.name == "test")
    if not tested:
        yield "There is no test split: take films out for testing before training, not stories."
    elif tested < FEW_TEST_STORIES:
        number = sum(film.split == "test" for film in films)
        stories = "story" if tested == 1 else "stories"
        yield (
            f"The test split has {tested:,} {stories} of {number:,} {'film' if number == 1 else 'films'}: too few to tell models "
            "apart by a few points."
        )
    licences = {film.licence for film in films if film.licence}
    if len(licences) > 1:
        yield f"The films have {len(licences)} different licences: the table above says which."
    bare = [film for film in films if not film.licence]
    if bare:
        yield f"{len(bare):,} of {len(films):,} films have no licence on record: ask before you pass their frames on."
