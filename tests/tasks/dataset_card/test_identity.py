"""What the card says about who is who, against tables worked out by hand."""

from tasks.dataset_card.identity import (
    FilmScores,
    IdentityQuality,
    IdentitySignals,
    ThresholdScore,
    describe_signals,
    labelled_section,
    quality_numbers,
)


def scores(film: str, found: int, *sweep: ThresholdScore) -> FilmScores:
    """A film with easily told numbers."""
    return FilmScores(film, found + 1, found, 3, 4, 0, 1.0, 0.75, 0.85714, 0.5, 0.25, 0.9, 0.8, sweep)


def test_signals_are_said_with_what_they_were_measured_on() -> None:
    signals = IdentitySignals(1200, 34, ((0.05, 1.25), (0.5, 9.0)), ((0.5, 0.012), (0.95, 0.2)), 0.98765, 3, 7)
    assert dict(describe_signals(signals)) == {
        "views of people, and people in them": "1,200, 34",
        "margin of the identity chosen (log-odds), lowest 5 % below": "1.2",
        "margin of the identity chosen (log-odds), lowest 50 % below": "9.0",
        "views of people with a confidence below 0.5": "1.2 %",
        "views of people with a confidence below 0.95": "20.0 %",
        "stability: mean B-cubed F1 with 5 % of the detections taken away, on 3 of 7 shards": "0.9877",
    }
    everything = IdentitySignals(1, 1, (), (), 1.0, 7, 7)
    assert "shards" not in "".join(name for name, _ in describe_signals(everything))
    assert list(describe_signals(None)) == []


def test_scores_stand_film_by_film() -> None:
    text = "\n".join(labelled_section([scores("har|bour", 8)]))
    assert (
        "| har\\|bour | 8 of 9 | 1.0000 | 0.7500 | 0.8571 | 0.5000 | 0.2500 | 0.9000 | 0.8000 | 4 for 3 (+1) | 0 |"
        in text
    )
    assert list(labelled_section([])) == []


def test_numbers_for_the_next_release_are_those_that_were_measured() -> None:
    signals = IdentitySignals(10, 3, (), (), 0.5, 1, 1)
    assert quality_numbers(IdentityQuality(signals, (scores("har|bour", 8),))) == {
        "stability": 0.5,
        "labelled_f1": {"har|bour": 0.85714},
    }
    assert quality_numbers(IdentityQuality()) == {}


def test_films_weigh_by_their_views_in_the_curve() -> None:
    """Precision (3 * 1 + 1 * 0.6) / 4 = 0.9, recall (3 * 0.8 + 1 * 1.2 / 2) / 4 = 0.75, F1 2 * 0.9 * 0.75 / 1.65."""
    one = scores("one", 3, ThresholdScore(0.0, 1.0, 0.8, 4), ThresholdScore(1.0, 1.0, 0.5, 5))
    two = scores("two", 1, ThresholdScore(0.0, 0.6, 0.6, 2), ThresholdScore(2.0, 1.0, 0.5, 5))
    text = "\n".join(labelled_section([one, two]))
    assert "| +0.0 | 0.9000 | 0.7500 | 0.8182 | 6 |" in text
    assert "| +1.0" not in text
    assert "| +2.0" not in text
