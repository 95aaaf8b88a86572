"""The numbers of two small stories, counted by hand."""

import pytest

from schemas.chain_of_thought import parse_chain_of_thought
from schemas.statistics import DatasetStatistics, Share, Summary, is_pronoun
from schemas.story import parse_story
from tests.schemas.documented_rules import make_pair, read_blocks

PAIR = make_pair(read_blocks())
OTHER_STORY = """\
<gdi image1>
<gdo char1>I</gdo> <gda char1>held</gda> <gdo obj1>the key</gdo> in my hand. "Do you see <gdo char1>her coat</gdo>?"
</gdi>

<gdi image2>
<gdo char1 char3>We</gdo> saw them, and you know <gdl lm1>the tower</gdl> was <gdo char1 char3>ours</gdo>. They ran. She saw her.
</gdi>"""


@pytest.fixture(scope="module")
def gathered() -> DatasetStatistics:
    statistics = DatasetStatistics()
    for story in (PAIR.story, OTHER_STORY):
        statistics.add(parse_chain_of_thought(PAIR.chain_of_thought), parse_story(story), 2)
    return statistics


@pytest.fixture(scope="module")
def summary(gathered: DatasetStatistics) -> Summary:
    return gathered.summarise()


def test_frames(summary: Summary) -> None:
    assert (summary.stories, summary.frames, summary.frames_mean, summary.frames_max) == (2, 4, 2.0, 2)
    assert summary.frames_histogram == {2: 2}


def test_entities(summary: Summary) -> None:
    # char1 is in both frames of each story, char3, obj1, bg2 and lm1 in one.
    assert summary.persistence["char"] == {
        1: Share(4, 4),
        2: Share(2, 4),
        3: Share(0, 4),
        4: Share(0, 4),
        5: Share(0, 4),
    }
    assert summary.persistence["char"][2].percent == 50.0
    assert [summary.persistence[kind][1] for kind in ("obj", "lm", "bg")] == [Share(2, 2)] * 3
    assert summary.entities_per_image == {"char": 1.5, "obj": 0.5, "lm": 0.5, "bg": 0.5}
    assert summary.settings_per_image == 1.0
    assert summary.characters_mean == 2.0


def test_references(summary: Summary) -> None:
    # Story 1: Ines, turned, the key, the old wall; They, whispered, the tower.
    # Story 2: I, held, the key, her coat; We, the tower, ours.
    assert summary.tags_mean == {"gdo": (3 + 5) / 2, "gda": (2 + 1) / 2, "gdl": (2 + 1) / 2}
    # char1 in Ines, turned, They, whispered and I, held, her coat, We, ours; char3 in They, whispered, We, ours.
    assert summary.references_mean == {"char": (4 + 5 + 4) / 2, "obj": 1.0, "lm": 1.0, "bg": 0.5}
    assert summary.group_mentions_mean == (2 + 2) / 2
    assert summary.actions_mean == 1.5
    # Ines, They; I, her coat, We, ours: four of six are pronouns and nothing else.
    assert summary.pronoun_references == Share(4, 6)


def test_pronouns(summary: Summary) -> None:
    # They; I, my, you, her (coat), We, them, ours, They, She, her. The you of "you know" speaks to nobody.
    assert summary.ungrounded == Share(6, 11)
    assert summary.ungrounded_by_word == {
        "i": Share(0, 1), "we": Share(0, 1), "my": Share(1, 1), "ours": Share(0, 1), "you": Share(1, 1),
        "she": Share(1, 1), "they": Share(1, 2), "them": Share(1, 1), "her": Share(1, 2),
    }  # fmt: skip
    assert summary.ungrounded_by_role == {
        "subject": Share(3, 6),
        "possessive": Share(1, 3),
        "object": Share(2, 2),
    }
    assert summary.ungrounded_by_person == {1: Share(1, 4), 2: Share(1, 1), 3: Share(4, 6)}


def test_words_and_phases(summary: Summary) -> None:
    first = "Ines turned the key and waited beside the old wall They whispered until the tower struck nine"
    second = (
        "I held the key in my hand Do you see her coat We saw them and you know the tower was ours They ran She saw her"
    )
    assert summary.words_mean == (len(first.split()) + len(second.split())) / 2
    assert summary.phase_images == {
        "Introduction": 2,
        "Development": 2,
        "Conflict": 4,
        "Turning Point": 2,
        "Conclusion": 2,
    }
    # Tags of image 1: 4 and 4; of image 2: 3 and 3.
    assert summary.tags_by_phase == {
        "Introduction": 4.0,
        "Development": 4.0,
        "Conflict": 3.5,
        "Turning Point": 3.0,
        "Conclusion": 3.0,
    }


def test_parts_add_up(gathered: DatasetStatistics, summary: Summary) -> None:
    whole = DatasetStatistics()
    for story in (PAIR.story, OTHER_STORY):
        part = DatasetStatistics()
        part.add(parse_chain_of_thought(PAIR.chain_of_thought), parse_story(story))
        whole.merge(part)
    assert whole == gathered
    assert whole.summarise() == summary


def test_nothing_at_all() -> None:
    summary = DatasetStatistics().summarise()
    assert (summary.stories, summary.frames_max, summary.words_mean, summary.ungrounded.percent) == (0, 0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("She", True),
        ("they,", True),
        ("I'm", True),
        ("He\u2019d", True),
        ("her coat", False),
        ("Ines", False),
        ("it", False),
    ],
)
def test_mention_that_is_a_pronoun(text: str, expected: bool) -> None:
    assert is_pronoun(text) == expected
