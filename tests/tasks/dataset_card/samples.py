"""Facts made by hand for cards."""

from schemas.arrow import GROUNDING, STORYREASONING
from schemas.chain_of_thought import parse_chain_of_thought
from schemas.statistics import DatasetStatistics, Summary
from schemas.story import parse_story
from tasks.dataset_card.facts import (
    CardFacts,
    ConfigFacts,
    DrafterFacts,
    FilmFacts,
    IdentityFacts,
    ModelFacts,
    SplitFacts,
    StageFacts,
)
from tests.tasks.report.films import Film, tell


def summary(stories: int) -> Summary:
    """Statistics of so many stories, all alike."""
    counts = DatasetStatistics()
    analysis, story = tell(Film())
    for _ in range(stories):
        counts.add(parse_chain_of_thought(analysis), parse_story(story), 5)
    return counts.summarise()


def splits(train: int, test: int) -> tuple[SplitFacts, ...]:
    """Both splits with these numbers of rows."""
    return (SplitFacts("train", train, 1000 * train, 800 * train), SplitFacts("test", test, 1000 * test, 800 * test))


def make_facts(
    train: int = 5,
    test: int = 1,
    title: str = "Harbour stories",
    notice: str = "All frames are synthetic.\n\nThey show no real people.",
    film: str = "harbour",
    reason: str = "near-duplicate",
) -> CardFacts:
    """The facts of a small dataset."""
    return CardFacts(
        title=title,
        licence="other",
        notice=notice,
        configs=(
            ConfigFacts("default", STORYREASONING, splits(train, test)),
            ConfigFacts("grounding", GROUNDING, splits(train, test)),
        ),
        stages=(
            StageFacts("ingest", "frame", 70, 70, ()),
            StageFacts("select", "frame", 70, 60, ((reason, 8), ("black", 2))),
        ),
        models=(ModelFacts("detect", "nanodet", "ab12" * 16, "Apache-2.0", f"by {film}", "People are found well."),),
        drafters=(DrafterFacts("composer", "", "composer-1", train + test, 0, 0, 0.0),),
        films=(FilmFacts(film, "train", train, 50), FilmFacts("quay", "test", test, 10)),
        statistics=summary(train + test),
        identity=IdentityFacts(18, 12, 42, 6, 0.86),
        settings=(("select.black_luma", "0.1"),),
        config_digest="0123456789abcdef" * 2,
        version="0.1.0",
    )
