"""What a frame is against all frames before it: the longest, the nearest, the most, the same as at the start."""

from tasks.composer.lexicon.form import Forms

MEMORY: dict[str, Forms] = {
    "still_again": Forms(
        (
            "for {count} views (now|running) {a} [had not moved]",
            "it was the {ordinal} view in which {a} [kept] the same place{a:s}",
            "{count} views had gone by without a move from {a:o}",
        )
    ),
    "all_same": Forms(
        (
            "nothing had changed: not the light, not the (places|distances), not the turn of a head",
            "everything was as it had been, (the light|the distances) included",
            "between the two views (not a thing|nothing) (had moved|was different)",
            "there was no telling this view from the last by (the light, the places or the faces|anything in it)",
            "what was true of the last view was true of this one",
            "the same light, the same places, the same (faces|distances): nothing had given way",
            "no light had shifted and no head had turned",
            "(time may have passed, but nothing in it moved|if time had passed, nothing showed it)",
            "it might have been the same view, held longer",
        )
    ),
    "nearest_yet": Forms(
        (
            "{a} had not been (so near|so close|this near) before",
            "never before had {a} been (so near|so close)",
            "it was the nearest {a} had been (so far|yet)",
            "no view before had {a:o} so (near|close)",
        ),
        ("nearer than at any time before", "closer than {a:they} had yet been"),
    ),
    "farthest_yet": Forms(
        (
            "{a} had not been so far off before",
            "never had {a} been seen (so small|from so far)",
            "it was the farthest {a} had been (so far|yet)",
        ),
        ("farther off than ever before",),
    ),
    "most_people": Forms(
        (
            "there had not been so many at once (before|until now)",
            "no view before had held so many: {a:people}",
            "with {a:people} it was the fullest view so far",
        )
    ),
    "alone_first": Forms(
        (
            "it was the first time {a} {a:was} alone",
            "until now {a} had always been in company",
            "{a} had not been alone before",
        ),
        ("alone for the first time",),
    ),
    "company_first": Forms(
        (
            "it was the first time {a} had company",
            "until now {a} had always been alone",
            "{a} had not been in company before",
        ),
        ("in company for the first time",),
    ),
    "other_side": Forms(
        (
            "before, {a} had been on the {then}; now the {now} was {a:own}",
            "the last time {a} had [kept to] the {then}, and now it was the {now}",
            "{a} had changed sides since the last time, from the {then} to the {now}",
            "it was the {now} this time, not the {then}, that {a} [kept to]",
        )
    ),
    "same_side": Forms(
        (
            "{a} had the same side as the last time, the {now}",
            "as the last time, {a} [kept to] the {now}",
            "the {now} was {a:own} once more",
        )
    ),
    "same_order": Forms(
        (
            "the order was the same as the last time: {a:list}",
            "{a:list} were in the same order as before, from left to right",
            "nothing in the order had changed: {a:list}, from the left",
        )
    ),
    "other_order": Forms(
        (
            "the order had changed since the last time: now it was {a:list}, from the left",
            "{a:list}, from left to right, were not in the order of the last time",
        )
    ),
    "as_at_first": Forms(
        (
            "it was the company of the beginning again: {a:list}",
            "{a} had been there at the beginning, and {a:they} were there (now|again)",
            "the end had the company of the beginning: {a:list}",
        )
    ),
    "as_at_first_one": Forms(
        (
            "it had begun with {a:o}, and with {a:them} it (came round|closed)",
            "{a} had been there at the beginning, and {a:was} there (now|at the end)",
            "from the first view to this one it had come back to {a:o}",
        )
    ),
    "share": Forms(
        (
            "of {total} views so far, {a} had been in {count}",
            "nobody had been seen so often as {a:list}: {count} views of {total}",
            "if it was anyone's story, it was {a:own}: {count} of {total} views so far had {a:them} in (view|it)",
            "by now {a} had been in {count} views of {total}, more than anyone",
        )
    ),
    "brightest_yet": Forms(
        (
            "no view before had been so bright",
            "it was the brightest view so far",
            "there had not been so much light before",
        )
    ),
    "darkest_yet": Forms(
        (
            "no view before had been so dark",
            "it was the darkest view so far",
            "there had not been so little light before",
        )
    ),
    "new_light": Forms(
        (
            "the light was another (one|light) than before",
            "with the scene the light had changed as well",
        )
    ),
    "light_of_first": Forms(
        (
            "the light was that of the beginning again",
            "in the light, at least, it was back where it had begun",
        )
    ),
    "reunion": Forms(
        (
            "{a} were together again(|, after {gap} apart)",
            "{a} [had come back] to the same picture",
            "{a} [shared] the picture once more",
        ),
        ("together again", "[reunited] in one view", "in the same picture again"),
    ),
    "first_together": Forms(
        (
            "{a} had not (shared a view|been in the same picture) before",
            "(it was|this was) the first view to hold {a:both}",
            "until now {a} had only been seen apart",
        ),
        ("in the same picture for the first time", "together for the first time"),
    ),
}
