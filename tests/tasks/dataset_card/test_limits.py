from dataclasses import replace

from schemas.statistics import Share
from tasks.dataset_card.facts import CardFacts, DrafterFacts, FilmFacts, IdentityFacts, StageFacts
from tasks.dataset_card.grounding import GroundingFacts
from tasks.dataset_card.limits import limits
from tests.tasks.dataset_card.samples import make_facts


def said(facts: CardFacts) -> str:
    return "\n".join(limits(facts))


def test_each_limit_has_its_number() -> None:
    facts = make_facts()
    grounding = GroundingFacts(
        tags=Share(3, 3),
        mentioned={"char": Share(9, 10), "obj": Share(1, 10)},
        origins={"detector": 18, "face": 2},
        labels={"person": 15, "lamp": 5},
    )
    text = said(replace(facts, grounding=grounding))
    assert "14.3 % of the links between detections (6 of 42)" in text
    assert "33.3 % of the entities (6) are seen in one frame only" in text
    assert "10.0 % of the detections are people known by the face alone" in text
    assert "100 % of the stories (6) were put together from measurements by rule" in text
    assert "Of the boxes of objects the stories speak of 10.0 %" in text
    assert "boxes of characters" not in text, "they are spoken of"
    assert "75 % of the detections are labelled person, the other 1 labels" in text
    assert "14.3 % of the frames (10 of 70) were left out" in text
    assert "83 % of the stories are from one film, harbour." in text
    assert "The test split has 1 story of 1 film: too few" in text
    assert "2 of 2 films have no licence on record" in text


def test_what_the_numbers_do_not_show_is_not_said() -> None:
    films = (
        FilmFacts("a", "train", 300, 50, "mit"),
        FilmFacts("b", "train", 300, 50, "mit"),
        FilmFacts("c", "test", 200, 50, "mit"),
    )
    facts = replace(
        make_facts(600, 200),
        identity=IdentityFacts(10, 10, 40, 0, 0.99),
        films=films,
        drafters=(DrafterFacts("llm", "a *model*", "p1", 800, 1, 1, 0.1),),
        stages=(StageFacts("ingest", "frame", 70, 70, ()),),
    )
    points = list(limits(facts))
    assert len(points) == 2
    assert "800 stories were written by a \\*model\\*: emotions" in points[0]
    assert "who a person in a frame is" in points[1]


def test_without_a_test_split_that_is_said() -> None:
    assert "There is no test split" in said(make_facts(5, 0))
