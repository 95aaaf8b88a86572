"""Tags against the reference's, scored by hand."""

from schemas.text import Tag
from tasks.evaluation.grounding import Counts, score_story
from tasks.evaluation.reading import read_sample
from tasks.evaluation.sample import Sample
from tasks.evaluation.tags import StoryTags, score_tags
from tests.tasks.evaluation.stories import exact, reference, sample, told

LEFT, RIGHT = (0, 0, 100, 200), (300, 0, 400, 200)
FRAMES = [{"char1": LEFT, "char2": RIGHT}, {"char1": LEFT, "obj1": RIGHT}]
STORY = told(
    [
        [
            Tag("gdo", ("char1",), "Ines"),
            " and ",
            Tag("gdo", ("char2",), "Bo"),
            " ",
            Tag("gda", ("char1", "char2"), "met"),
        ],
        [Tag("gdo", ("char1",), "She"), " took ", Tag("gdo", ("obj1",), "the key"), "."],
    ]
)
TRUTH = reference(FRAMES, STORY)


def score(given: Sample) -> StoryTags:
    read = read_sample(given)
    return score_tags(read, score_story(read))


def test_the_reference_itself_is_perfect() -> None:
    found = score(exact(TRUTH))
    assert found.mentions == {"gdo": Counts(4, 4, 4), "gda": Counts(2, 2, 2), "gdl": Counts(0, 0, 0)}
    assert (found.valid, found.tags) == (5, 5)


def test_other_ids_for_the_same_boxes_are_perfect() -> None:
    frames = [{"char9": LEFT, "char4": RIGHT}, {"char9": LEFT, "obj3": RIGHT}]
    story = STORY.replace("char1", "char9").replace("char2", "char4").replace("obj1", "obj3")
    assert score(sample(TRUTH, frames, story)).mentions["gdo"] == Counts(4, 4, 4)


def test_swapped_ids_are_wrong() -> None:
    story = STORY.replace("char1", "X").replace("char2", "char1").replace("X", "char2")
    found = score(sample(TRUTH, FRAMES, story))
    # In the first frame each is mentioned once either way; in the second "She" names one who is not there.
    assert found.mentions["gdo"] == Counts(3, 4, 4)
    assert (found.valid, found.tags) == (4, 5)


def test_tags_removed_are_missed() -> None:
    plain = told([["Ines and Bo met."], ["She took the key."]])
    found = score(sample(TRUTH, FRAMES, plain))
    assert found.mentions["gdo"] == Counts(0, 0, 4)
    assert (found.valid, found.tags) == (0, 0)


def test_an_entity_without_a_match_agrees_with_none_by_its_number() -> None:
    frames = [{"char1": (100, 0, 200, 200), "char2": RIGHT}, {"char1": (100, 0, 200, 200), "obj1": RIGHT}]
    found = score(sample(TRUTH, frames, STORY))
    assert found.mentions["gdo"] == Counts(2, 4, 4), "char2 and obj1 hold, char1 is somebody else"


def test_mentions_over_another_frame_do_not_count() -> None:
    first, second = STORY.split("\n\n")
    swapped = second.replace("image2", "image1") + "\n\n" + first.replace("image1", "image2")
    found = score(sample(TRUTH, FRAMES, swapped))
    assert found.mentions["gdo"] == Counts(2, 4, 4), "char1 is mentioned once over each"


def test_no_answer_misses_everything() -> None:
    found = score(sample(TRUTH, None))
    assert found.mentions["gdo"] == Counts(0, 0, 4)
