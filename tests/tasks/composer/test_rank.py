from tasks.composer.rank import Echo, words_of


def test_words() -> None:
    assert words_of("Ada's head, turned; in_it 3 Times") == ("ada's", "head", "turned", "in", "it", "3", "times")


def test_a_new_sentence_costs_nothing() -> None:
    assert Echo().cost(words_of("the light was low")) == 0


def test_repeating_costs_more_than_saying_it_anew() -> None:
    echo = Echo()
    echo.add(words_of("the light was low and grey"))
    again = echo.cost(words_of("the light was low and grey"))
    opening = echo.cost(words_of("the door is a long way off"))
    fresh = echo.cost(words_of("a pale tone lay over it"))
    assert again > opening > fresh == 0


def test_openings_are_forgotten_with_distance() -> None:
    near, far = Echo(), Echo()
    far.add(words_of("then nobody came"))
    for echo in (near, far):
        for text in ("a b c", "d e f", "g h i"):
            echo.add(words_of(text))
    near.add(words_of("then nobody came"))
    assert near.cost(words_of("then it went")) > far.cost(words_of("then it went")) > 0


def test_a_word_twice_in_a_sentence_costs() -> None:
    assert Echo().cost(words_of("closer now, and closer")) > 0
    assert Echo().cost(words_of("now it was low now")) > 0
