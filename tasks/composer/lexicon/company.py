"""Who is there, who comes, who is gone: the words.

``_one`` is for one person, ``_many`` for several, ``_crowd`` for five and more; ``x/y`` sets people ``a`` beside people ``b``.
"""

from tasks.composer.lexicon.form import Forms

COMPANY: dict[str, Forms] = {
    "open_one": Forms(
        (
            "(at first|to begin with|in the beginning|at the outset) there was only {a}",
            "it (began|opened|started) with {a}, (alone|on {a:their} own)",
            "{a} was the first to be seen, (and for now the only one|with nobody else in view)",
            "the first (view|image|picture) (belonged to|was given over to) {a:o}",
            "{a} had the (opening|first view|beginning) to {a:themselves}",
            "first came {a}, (and no one else|by {a:themselves})",
            "before anyone else there was {a}",
            "{a} [opened] (it|the sequence) alone",
            "{a:figure} (was there|was in view|could be seen) (at first|to begin with): {a:list}",
            "nobody was (in view|there) at the (start|beginning) but {a:o}",
            "(the beginning was|it was, at first, only) {a}, and nobody (near|close by|else)",
        )
    ),
    "open_many": Forms(
        (
            "(at first|to begin with|in the beginning|at the outset) there were {a}",
            "it (began|opened|started) with {a} (in one view|in the same picture|together)",
            "{a} were there (from the first|from the start|at the outset), {a:n} in one view",
            "the first (view|image|picture) (held|showed|took in) {a:o}",
            "{a:people} (shared|made up) the (opening|first view|first picture): {a:list}",
            "first came {a}, (all in|within) one (view|picture)",
            "{a} [shared] the (opening|first view|beginning)",
            "(nobody|no one) was (alone|on {a:their} own) at the (start|beginning): there were {a:list}",
            "({a:people}|{a:figures}) were (in view|there|to be seen) (at first|when it began): {a:list}",
            "{a} [came into view] together (to begin with|at the start|first of all)",
        )
    ),
    "open_people": Forms(
        (
            "(at first|to begin with|in the beginning|at the outset) there were {a:people}",
            "it (began|opened|started) with {a:people}",
            "{a:people} were there (from the first|from the start|at the outset)",
            "{a:people}, (one view|a single picture|all at once): (so it began|that was the beginning)",
            "the first (view|image|picture) (held|showed|took in) {a:people}",
            "{a:people} [shared] the (opening|first view|beginning)",
            "(nobody|no one) was alone (at the start|to begin with): there were {a:people}",
            "first of all there were {a:people} in one (view|picture)",
        )
    ),
    "open_crowd": Forms(
        (
            "it (began|opened|started) with many: {a:people} in (one|a single) view",
            "{a:people} (filled|crowded|peopled) the first (view|picture|image)",
            "(at first|from the start|to begin with) there were {a:people} (to be seen|in view)",
            "the first (picture|view|image) was (full|crowded), with {a:people} in it",
            "{a:people} at once: that was the (beginning|opening|first view)",
        )
    ),
    "open_none": Forms(
        (
            "(at first|to begin with|in the beginning|at the outset) there was nobody (|in view|to be seen)",
            "it (began|opened|started) (without anyone in view|with no one there|with nobody in view)",
            "the first (view|image|picture) (held|showed|had) no one",
            "nobody was (there|in view|to be seen) when it (began|opened|started)",
            "no one (had come into view|was to be seen) (yet|at the start|to begin with)",
            "the (beginning|opening|first view) had no people in it",
            "before there was anyone, there was the (place|view) itself",
            "people came later; the first (view|picture) had none",
        )
    ),
    "appear_one": Forms(
        (
            "(it|this one) belonged to {a:o}, not seen (before|until now)",
            "{a} [came into view] for the first time",
            "(here|now) {a} [appeared] (for the first time|, new to the story)",
            "{a} was (someone new|new here|a new arrival)",
            "there was {a}, (not seen before now|unseen until then|new to it all)",
            "it (showed|held|brought|was given to) {a:o}(, for the first time|, {a:newcomer})",
            "{a:newcomer} (was there|had come into view): {a:list}",
            "{a} [made] a first appearance",
        ),
        ("[appearing] for the first time", "new to the (view|story)", "unseen until now", "{a:newcomer}"),
    ),
    "appear_many": Forms(
        (
            "{a} [came into view] for the first time",
            "(here|now) {a} [appeared], (none of {a:them} seen before|all new to the story)",
            "{a} were (new here|new arrivals|newcomers)",
            "there were {a}, (not seen before now|unseen until then)",
            "it (showed|held|brought|belonged to) {a:o}(, for the first time|, {a:newcomers})",
            "{a:newcomers} were (there|in view): {a:list}",
            "{a:newcomers} had the (view|picture): {a:list}",
            "(the picture|the view) (turned to|took up) {a:o}, not seen until (now|then)",
        ),
        ("[appearing] for the first time", "unseen until now", "{a:newcomers}"),
    ),
    "shows_one": Forms(
        (
            "{a} {a:was} in view",
            "it (showed|held) {a:o}",
            "there was {a}",
            "it was given (over|) to {a:o}",
            "{a} had the (view|picture)",
            "{a:figure} was in it: {a:list}",
        )
    ),
    "shows_many": Forms(
        (
            "{a} were in view",
            "it (showed|held) {a:o}",
            "there were {a}",
            "in view were {a:list}",
            "{a} [shared] the (view|picture)",
            "{a:people} were in it: {a:list}",
        )
    ),
    "shows_crowd": Forms(
        (
            "{a:people} were in view",
            "it (showed|held|took in) {a:people}",
            "there were {a:people}",
            "the (view|picture) was (full|crowded): {a:people}",
        )
    ),
    "appear_people": Forms(
        (
            "{a:newcomers} [came into view]",
            "(here|now) there were {a:newcomers}",
            "{a:newcomers} had (the picture|the view|it to {a:themselves})",
            "it held {a:newcomers}",
            "it belonged to {a:newcomers}",
            "the story had {a:newcomers} now",
            "{a:people} not seen before [came into view]",
            "there were {a:people} in it, all unseen until now",
        )
    ),
    "appear_crowd": Forms(
        (
            "{a:people} not seen before (filled|took over) the (view|picture)",
            "{a:people} (were there|came into view), none of {a:them} seen before",
            "there were {a:people} in it, all unseen before",
        )
    ),
    "back_one": Forms(
        (
            "{a} [came back] (into view|)",
            "{a} was (back|there again|in view again)",
            "it was {a} (again|once more)",
            "{a} [returned], (after {gap} away|gone for {gap})",
            "there was {a} (again|once more)(|, after {gap} without {a:them})",
            "back came {a}(|, after {gap} out of view)",
            "{a} [appeared] (again|once more)",
            "it (returned|went back|came back) to {a:o}",
            "{a} had the (view|picture) (again|once more)",
        ),
        ("back (again|once more)", "in view again", "back after {gap} away"),
    ),
    "back_many": Forms(
        (
            "{a} [came back] (into view|)(| together)",
            "{a} were (back|there again|in view again)",
            "it was {a} (again|once more)",
            "{a} [returned] (together|at once|side by side in the same picture)",
            "there were {a} (again|once more)",
            "back came {a}",
            "{a} [appeared] (again|once more)",
            "it (returned|went back|came back) to {a:o}",
            "{a} had the (view|picture) (again|once more)",
        ),
        ("back (again|once more)", "in view again"),
    ),
    "stays_one": Forms(
        (
            "{a} was (still there|still in view)",
            "{a} [stayed] (on|in view)",
            "{a} [remained]",
            "it (stayed with|kept to|held on to) {a:o}",
            "{a} [carried over] (into it|from the last)",
        ),
        ("still there", "carried over from the last"),
    ),
    "stays_many": Forms(
        (
            "{a} were (still there|still in view)",
            "{a} [stayed] (on|in view)",
            "{a} [remained]",
            "it (stayed with|kept to|held on to) {a:o}",
            "{a} [carried over] (into it|from the last)",
        ),
        ("still there", "carried over from the last"),
    ),
    "again_one": Forms(
        (
            "{a} {a:was} (back|there again|in view again)",
            "{a} [came back] into view",
            "it (returned|went back) to {a:o}",
        ),
        ("in view again",),
    ),
    "again_many": Forms(
        ("{a} were (back|there again|in view again)", "{a} [came back] into view", "it (returned|went back) to {a:o}"),
        ("in view again",),
    ),
    "enter_one": Forms(
        (
            "{a} [came in]",
            "{a} [entered] (|the view|the picture)",
            "{a} [came into view]",
            "{a} [joined] (|the picture|the scene)",
            "in came {a}",
            "{a:newcomer} [entered]: {a:list}",
            "there was {a} as well (now|), (not seen before|new to the story)",
            "the (view|picture) now held {a:o} too",
        ),
        ("[coming in] for the first time", "new to the (scene|picture)"),
    ),
    "enter_many": Forms(
        (
            "{a} [came in]",
            "{a} [entered] (|together)",
            "{a} [came into view]",
            "{a} [joined] (|the picture|the scene)",
            "in came {a}",
            "there were {a} as well (now|), not seen before",
            "the (view|picture) now held {a:o} too",
        ),
        ("[coming in] for the first time",),
    ),
    "reenter_one": Forms(
        (
            "{a} [came back in]",
            "{a} [came] back into (view|the picture)",
            "{a} [rejoined] (the scene|the picture)",
            "{a} was (back|there) again (|after {gap} out of view)",
            "back in came {a}",
            "the (view|picture) held {a:o} again",
        ),
        ("back in view", "back after {gap} out of view"),
    ),
    "reenter_many": Forms(
        (
            "{a} [came back in]",
            "{a} [came] back into (view|the picture)",
            "{a} [rejoined] (the scene|the picture)",
            "{a} were (back|there) again",
            "back in came {a}",
            "the (view|picture) held {a:o} again",
        ),
        ("back in view",),
    ),
    "left_alone": Forms(
        (
            "{a} was alone now",
            "now there was only {a}",
            "that left {a} alone",
            "{a} [remained], with nobody else in view",
            "only {a} [stayed] in view",
            "{a} had the (view|picture) to {a:themselves}",
            "nobody was left in view but {a:o}",
            "the company had gone down to one: {a}",
        ),
        ("alone now", "with nobody else in view now"),
    ),
    "thinned": Forms(
        (
            "of {before}, {after} were left: {a:list}",
            "{a} were the ones (still in view|who [stayed])",
            "the company had thinned to {after}: {a:list}",
            "that left {a}",
            "fewer were in view now, {after} where there had been {before}",
            "{before} had become {after}: {a:list}",
            "{a} [remained], {after} out of {before}",
        )
    ),
    "thinned_crowd": Forms(
        (
            "the company had thinned from {before}: {a:people} now",
            "fewer were in view now, {a:people} where there had been {before}",
            "of {before}, {a:people} were still in view",
        )
    ),
    "none_cut": Forms(
        (
            "nobody was (there|in view|to be seen)",
            "it held no one",
            "there was no one in (it|view)",
            "(not one|no) person was in view",
        )
    ),
    "none_now": Forms(
        (
            "the (view|picture) was empty of people now",
            "nobody was (left in view|there any more)",
            "no one was left to see",
            "now there was nobody (at all|to be seen|)",
        )
    ),
    "none_still": Forms(
        (
            "still nobody (came|was in view)",
            "there was no one (yet|still)",
            "the (view|picture) stayed empty of people",
            "as before, no one was (there|to be seen)",
        )
    ),
    "stays/appear": Forms(
        (
            "{a} [stayed], but in other company: {b}, not seen until now",
            "{a} [remained], and with {a:them} {b:was} {b}, new to the story",
            "{a} {a:was} (still there|there again); {b} {b:was} new",
            "it kept {a:o} and brought {b:o} (as well|for the first time|into the story)",
            "the company had changed around {a:o}: {b} {b:was} there now",
            "{a} [carried on], now with {b:o}, a face not seen before",
        )
    ),
    "stays/back": Forms(
        (
            "{a} [stayed], and {b} {b:was} back",
            "{a} [remained], with {b:o} in view again",
            "{b} [b: came back] to where {a} {a:was}",
            "to {a:o}, who [stayed], came {b:o} again",
        )
    ),
    "back/appear": Forms(
        (
            "{a} [came back], and with {a:them} {b}, (new to the story|not seen before)",
            "{a} {a:was} back, in new company: {b}",
            "{b} {b:was} new, {a} {a:was} not: (both had the picture|the picture held both)",
        )
    ),
    "stays_alone": Forms(
        (
            "of {before}, only {a} [stayed]",
            "{a} [went on] alone",
            "{a} {a:was} alone now, (with nobody beside {a:them}|the others gone from view)",
            "where there had been {before}, there was only {a:list}",
            "it kept {a:list} and nobody else",
            "{a} had it to {a:themselves} now",
            "only {a} [carried over] from the last",
        ),
    ),
    "back_alone": Forms(
        (
            "{a} [came back], this time alone",
            "{a} {a:was} back, with nobody (near|beside {a:them}) this time",
            "it was {a:list} again, but alone",
            "{a} [returned, without company now]",
            "alone now, {a} [came back into view]",
            "it returned to {a:list}, who had been in company before and was alone now",
        ),
    ),
}
