"""Things, light and places: the words. Guesses of a classifier are always said as guesses."""

from tasks.composer.lexicon.form import Forms

WORLD: dict[str, Forms] = {
    # things ------------------------------------------------------------------------------------------------------
    "thing_by": Forms(
        (
            "{b} was (close by|near at hand), (within reach of {a:o}|not far from {a:o})",
            "(close to|near|beside) {a:o} was {b}",
            "{b} was close enough to {a:o} to touch, or looked it",
            "(within|in) reach of {a:o}, or nearly so, was {b}",
            "not far from {a:o} there was {b}",
            "{a} had {b} (close by|near)",
        ),
        ("with {b:o} (close by|near|within reach)", "{b} (close by|near at hand)"),
    ),
    "thing": Forms(
        (
            "there was {b}, {where}",
            "{where}, {b} could be seen",
            "{where} was {b}",
            "{b} (showed|could be made out) {where}",
            "the view took in {b:o} (as well|too)",
            "{where} there was {b}",
            "as for things, there was {b}, {where}",
            "{where}, besides, was {b}",
        )
    ),
    "things": Forms(
        (
            "there were {b:list} (as well|too)",
            "{b:list} could be (seen|made out)",
            "the view took in {b:list} (as well|too)",
            "among what else could be seen were {b:list}",
            "in with the rest were {b:list}",
            "not only people were in it: there were {b:list}",
            "as for things, there were {b:list}",
            "besides, there were {b:list}",
        )
    ),
    "thing_moved": Forms(
        (
            "{b} was farther to the {way} now",
            "{b} had (moved|shifted) (to the {way}|{way}ward)",
            "farther {way} than before was {b}",
        )
    ),
    "thing_nearer": Forms(
        ("{b} was (nearer|closer) now", "{b} (took up more of the view|had come closer)", "nearer than before was {b}")
    ),
    "thing_only": Forms(
        (
            "there was {b:list}, and nothing (more|else to name)",
            "what there was to see was {b:list}",
            "what could be (seen|made out) was {b:list}",
            "only {b:list} could be (seen|made out)",
            "{b:list} made up what there was to see",
            "{b:list} was all there was to (see|go by)",
        )
    ),
    "things_only": Forms(
        (
            "there were {b:list}, and nothing (more|else to name)",
            "what could be (seen|made out) was {b:list}",
            "only {b:list} could be (seen|made out)",
            "{b:list} made up what there was to see",
            "{b:list} were all there was to (see|go by)",
        )
    ),
    "only_people": Forms(
        (
            "apart from {a:o} there was nothing to name",
            "besides {a:o}, nothing in it could be named",
            "nothing else in it had a name",
            "there was nothing else to go by",
            "what lay around {a:o} gave nothing to name",
        )
    ),
    "empty_side": Forms(
        (
            "the {way} stayed empty of people",
            "nobody was on the {way}",
            "whoever was there was on the {other}; the {way} had no one",
            "the {way} half lay open",
            "to the {way} there was no one",
        )
    ),
    "none_came": Forms(
        (
            "nobody had come and nobody had gone",
            "no one came in and no one left",
            "the company was the same",
            "nobody joined and nobody went",
            "as for company, it was the same",
            "there was no change of company",
        )
    ),
    # light -------------------------------------------------------------------------------------------------------
    "light_dark": Forms(
        (
            "the light was (very low|almost gone|poor)",
            "it was dark, (and little could be made out|or close to it)",
            "darkness had most of the (view|picture)",
            "there was (little|hardly any) light",
        ),
    ),
    "light_low": Forms(
        (
            "the light was (low|dim|subdued)",
            "not much light fell on (it|any of it)",
            "it was more dark than bright",
            "the picture was dim",
        ),
    ),
    "light_middling": Forms(
        (
            "the light was (moderate|neither bright nor dark)",
            "the light kept to the middle, neither bright nor dark",
            "it was neither bright nor dark",
            "there was (enough|a fair amount of) light, and no more",
            "a (plain|middling) light lay over (it|everything)",
            "as light goes, it was middling",
            "the light took no side, neither bright nor dark",
            "brightness and darkness were about even",
        ),
    ),
    "light_bright": Forms(
        (
            "the light was (bright|strong|generous)",
            "it was bright (there|throughout|all over)",
            "there was (plenty of|no lack of) light",
            "a (bright|pale|clear) light lay over (it|everything)",
            "brightness filled the (picture|view)",
            "the whole of it was bright",
            "on the whole it was bright",
            "little of it was dark",
        ),
    ),
    "light_white": Forms(
        (
            "it was very bright, nearly white",
            "the light was strong enough to wash out the edges",
            "nearly everything was pale with light",
        ),
    ),
    "contrast_hard": Forms(
        (
            "bright and dark (met hard|kept well apart|were set hard against each other)",
            "the brights were very bright, the darks very dark",
            "the contrast was hard",
        ),
    ),
    "contrast_flat": Forms(
        ("there was hardly a shadow in it", "the light was flat", "nothing was very bright or very dark")
    ),
    "warm": Forms(
        (
            "the colours (leaned|went) to the warm side",
            "a warm tone lay over (it|the whole)",
            "reds and yellows outweighed the blues",
            "the light had a warm cast",
        ),
    ),
    "cold": Forms(
        (
            "the colours (leaned|went) to the cold side",
            "a (cool|cold) tone lay over (it|the whole)",
            "blue outweighed every warmer colour",
            "the light had a cold cast",
        ),
    ),
    "grey": Forms(
        (
            "there was little colour in it",
            "the colours were (faint|muted|washed nearly to grey)",
            "hardly any colour showed",
        ),
    ),
    "vivid": Forms(("the colours were strong", "the colours were (vivid|saturated)", "colour was everywhere")),
    "brighter": Forms(
        (
            "the light had (grown|come up)",
            "it was brighter (now|than before|here)",
            "there was more light (now|here|than before)",
            "the darkness had (lifted|drawn back) (a little|somewhat)",
            "the picture had brightened",
        ),
    ),
    "darker": Forms(
        (
            "the light had (dropped|gone down|fallen)",
            "it was darker (now|than before|here)",
            "there was less light (now|here|than before)",
            "some of the light had gone",
            "the picture had darkened",
        ),
    ),
    "warmer": Forms(
        ("the colours had turned warmer", "the tone was warmer (now|than before)", "warmth had come into the colours")
    ),
    "colder": Forms(
        (
            "the colours had turned colder",
            "the tone was colder (now|than before)",
            "the warmth had gone out of the colours",
        )
    ),
    "same_light": Forms(
        (
            "the light was the same (as before|)",
            "the light had not changed",
            "nothing had happened to the light",
            "the same light lay over it",
            "the light kept as it was",
            "nothing was darker or brighter than before",
            "it was no brighter and no darker",
        ),
    ),
    # place -------------------------------------------------------------------------------------------------------
    "place": Forms(
        (
            "it (might|could) have been {place}",
            "the place (might|could) have been {place}",
            "something about it suggested {place}, (without settling it|no more)",
            "it had the look of {place}, (though nothing confirmed it|perhaps no more than the look)",
            "if the place was anything, it was {place}",
            "the surroundings (hinted at|looked like) {place}, (or something of the kind|perhaps)",
        ),
    ),
    "feature": Forms(
        (
            "something in (it|the background) (might|could) have been {place}",
            "there was a suggestion of {place}, no more",
            "what (might|could) have been {place} was part of it",
            "part of it looked like {place}, (or something like it|perhaps)",
        ),
    ),
    "bare": Forms(
        (
            "nothing in it (had a name|could be named)",
            "there was nothing (there|in it) to name",
            "no one and nothing came clear in it",
            "what was there did not (show itself|come clear)",
        )
    ),
}
