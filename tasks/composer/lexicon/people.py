"""What people do and how they are seen: the words. Nothing here says more than box, face and colour can show."""

from tasks.composer.lexicon.form import Forms

PEOPLE: dict[str, Forms] = {
    # motion ------------------------------------------------------------------------------------------------------
    "nearer": Forms(
        (
            "{a} [(came|drew|moved) (closer|nearer)]",
            "{a} [(took up|filled) more of the (view|picture)]",
            "{a} [closed (some|a part) of the distance]",
            "{a} {a:was} (closer|nearer) now",
            "{a} [had come (closer|nearer)]",
            "(some|a little) of the distance to {a:o} was gone",
            "(less|a little less) distance remained (between the view and|in front of) {a:o}",
            "{a} [advanced] a little",
        ),
        ("[(coming|drawing|moving) (closer|nearer)]", "(closer|nearer) than before", "[growing] in the (view|picture)"),
    ),
    "nearer_much": Forms(
        (
            "{a} [came (right up|close|well forward)]",
            "{a} [(came|moved|drew) much (closer|nearer)]",
            "(most|much) of the distance to {a:o} was gone",
            "{a} {a:was} suddenly (near|close)",
            "{a} [loomed larger], (near|close) now",
            "{a} [closed the distance]",
            "the distance to {a:o} (fell away|closed)",
        ),
        ("[coming (right up|well forward)]", "much (closer|nearer) than before"),
    ),
    "farther": Forms(
        (
            "{a} [(drew|moved) (back|away|farther off)]",
            "{a} [took up less of the (view|picture)]",
            "{a} [gave up (some|a little) of the (nearness|closeness)]",
            "{a} {a:was} farther off now",
            "{a} [had moved (back|away)]",
            "there was more distance (around|in front of) {a:o} now",
            "{a} [receded] a little",
        ),
        ("[(drawing|moving) (back|away)]", "farther off than before", "[receding] a little"),
    ),
    "farther_much": Forms(
        (
            "{a} [(fell|moved|drew) far back]",
            "{a} [receded] into the distance",
            "{a} {a:was} suddenly far off",
            "the distance to {a:o} opened wide",
            "{a} [shrank back] (in the (view|picture)|)",
        ),
        ("[receding] far back", "much farther off than before"),
    ),
    "sideways": Forms(
        (
            "{a} [(moved|shifted|drifted|slid|edged) (to the {way}|{way}ward)]",
            "{a} {a:was} farther to the {way} now",
            "{a} [gave ground] to the {way}",
            "{a} [had (moved|shifted) (to the {way}|{way}ward)]",
            "{a} [went {way}]",
        ),
        ("[(moving|shifting|drifting|edging) (to the {way}|{way}ward)]", "farther to the {way} than before"),
    ),
    "crossed": Forms(
        (
            "{a} [crossed] to the {way}",
            "{a} [changed sides] and {a:was} on the {way} now",
            "{a} [crossed over] (to the {way}|, {way}ward)",
            "{a} [went across], from one side to the other",
            "{a} [moved (right|all the way|clear) across] to the {way}",
        ),
        ("[crossing] to the {way}", "[going] from one side to the other"),
    ),
    "still": Forms(
        (
            "{a} [(held|kept|stayed) still]",
            "{a} [did not move]",
            "{a} [(kept|held) the same place]",
            "{a} [stayed] (exactly |just |)as {a:they} had been",
            "nothing about {a:o} changed",
            "{a} [made no move]",
            "{a} [gave no sign of moving]",
            "{a} [held the pose]",
            "{a} [stayed put]",
            "{a} [remained] (in place|where {a:they} had been)",
            "not a thing moved where {a} {a:was}",
        ),
        ("[(holding|keeping) still]", "[unmoving]", "[making no move]", "[staying put]"),
    ),
    # head --------------------------------------------------------------------------------------------------------
    "turned_front": Forms(
        (
            "{a} [turned] to the front",
            "{a} [(turned|came round) to face forward]",
            "{a} [brought] {a:their} face{a:s} round to the front",
            "{a:poss} face{a:s} came round, straight ahead now",
            "{a} [faced forward] (again|now)",
            "{a} [turned] {a:their} face{a:s} (full on|forward)",
        ),
        ("[turning] to the front", "[facing] forward now", "face{a:s} to the front now"),
    ),
    "turned_aside": Forms(
        (
            "{a} [turned] (to the {way}|{way}ward)",
            "{a} [turned] {a:their} head{a:s} (to the {way}|{way}ward)",
            "{a} [looked away] to the {way}",
            "{a:poss} (head{a:s}|face{a:s}) went round to the {way}",
            "{a} [swung] {a:their} face{a:s} to the {way}",
            "{a} [angled] {a:their} head{a:s} {way}ward",
        ),
        ("[turning] to the {way}", "[turning] {a:their} head{a:s} {way}ward", "[looking] away to the {way}"),
    ),
    "tilted": Forms(
        (
            "{a} [tilted] {a:their} head{a:s} to the {way}",
            "{a} [let] {a:their} head{a:s} lean (to the {way}|{way}ward)",
            "{a:poss} head{a:s} tipped (to the {way}|{way}ward)",
            "{a} [leaned] {a:their} head{a:s} {way}ward",
        ),
        ("[tilting] {a:their} head{a:s} to the {way}", "head{a:s} leaning {way}ward"),
    ),
    "face_shown": Forms(
        (
            "{a:poss} face{a:s} could be seen now",
            "{a:poss} face{a:s} came into view",
            "{a} [showed] {a:their} face{a:s}",
            "now there {a:were} {a:poss} face{a:s} as well",
        ),
        ("[showing] {a:their} face{a:s} now", "face{a:s} in view now"),
    ),
    "face_lost": Forms(
        (
            "{a:poss} face{a:s} could no longer be made out",
            "{a:poss} face{a:s} went out of view",
            "{a} [kept] {a:their} face{a:s} from view now",
            "of {a:poss} face{a:s} nothing could be made out now",
        ),
        ("face{a:s} no longer to be made out", "face{a:s} out of view now"),
    ),
    "faces_front": Forms(
        (
            "{a} [looked straight ahead]",
            "{a} [faced forward]",
            "{a} [kept] {a:their} face{a:s} to the front",
            "{a} [looked] neither left nor right",
            "{a:poss} face{a:s} [kept] to the front",
            "{a} [did not look aside]",
            "{a:poss} attention, as far as a face shows it, was straight ahead",
            "{a} [met the view head-on]",
        ),
        (
            "[facing] forward",
            "face{a:s} to the front",
            "[looking] straight ahead",
            "[turned] neither left nor right",
            "with {a:their} face{a:s} to the front",
        ),
    ),
    "faces_aside": Forms(
        (
            "{a} [looked] (to the {way}|{way}ward)",
            "{a} [kept] {a:their} face{a:s} (to the {way}|{way}ward)",
            "{a:poss} face{a:s} {a:were} turned to the {way}",
            "{a:poss} head{a:s} pointed {way}ward",
            "{a} [faced] {way}ward",
        ),
        ("[looking] to the {way}", "face{a:s} (angled|turned) {way}ward", "with {a:their} head{a:s} turned {way}ward"),
    ),
    "keeps_front": Forms(
        (
            "{a} still [faced forward]",
            "{a} [went on looking straight ahead]",
            "{a:poss} face{a:s} [stayed] to the front",
            "{a} [did not (look aside|turn)]",
            "{a} [kept] {a:their} eyes front, or at least {a:their} face{a:s}",
            "{a} [looked straight ahead, as before]",
        ),
        ("still [facing forward]", "[looking] straight ahead as before", "face{a:s} to the front as before"),
    ),
    "keeps_aside": Forms(
        (
            "{a} still [looked to the {way}]",
            "{a} [went on looking {way}ward]",
            "{a:poss} face{a:s} [stayed] turned to the {way}",
            "the {way} still had {a:poss} face{a:s}",
            "{a} [did not look away from the {way}]",
            "{a} [kept looking {way}ward]",
        ),
        ("still [looking] to the {way}", "face{a:s} still to the {way}"),
    ),
    "faces_nobody": Forms(
        (
            "{a} [looked to the {way}], where there was nobody",
            "what {a} [faced], to the {way}, was out of view",
            "{a} [looked {way}ward], at nothing that could be seen",
            "to the {way}, where {a:poss} face{a:s} [pointed], nobody was in view",
            "whatever there was to the {way} for {a:o} to look at was out of view",
            "{a} [faced] out of the (picture|view), to the {way}",
        ),
        ("[looking] {way}ward at nothing in view", "[facing] out of the view to the {way}"),
    ),
    "tilts": Forms(
        (
            "{a:poss} head{a:s} leaned (to the {way}|{way}ward)",
            "{a} [kept] {a:their} head{a:s} tilted (to the {way}|{way}ward)",
            "{a:poss} head{a:s} {a:were} tipped {way}ward",
        ),
        ("head{a:s} tilted to the {way}", "with {a:their} head{a:s} leaning {way}ward"),
    ),
    "face_each_other": Forms(
        (
            "{a} [turned] to {a:each}",
            "{a} [faced] {a:each}",
            "{a:poss} faces met across the (view|picture)",
            "{a} [looked] (toward {a:each}|each toward the other)",
            "{a} [had turned inward], face toward face",
        ),
        ("[facing] {a:each}", "turned toward {a:each}"),
    ),
    "face_apart": Forms(
        (
            "{a} [looked] opposite ways",
            "{a} [faced] away from {a:each}",
            "{a} [had turned outward], one to the left, one to the right",
            "{a:poss} faces pointed apart",
        ),
        ("[facing] away from {a:each}", "[looking] opposite ways"),
    ),
    "faces_toward": Forms(
        (
            "{a} [looked] toward {b:o}",
            "{a} [faced] {b:poss} (way|side)",
            "{a} [had turned] in the direction of {b:o}",
            "{a} [kept] {a:their} face turned toward {b:o}",
            "{a:poss} face was turned to the {way}, where {b} {b:was}",
            "if {a} looked at anyone, it was at {b:o}, to the {way}",
        ),
        ("[facing] {b:poss} way", "turned toward {b:o}"),
    ),
    # space -------------------------------------------------------------------------------------------------------
    "apart": Forms(
        (
            "{a} [kept apart]",
            "there was (a wide gap|a good deal of room|an open space) between {a:o}",
            "{a} [left] (a wide space|plenty of room) between {a:them}",
            "the (middle|space) between {a:o} stayed open",
            "{a} [kept] {a:their} distance",
            "a (stretch of|wide) space lay between {a:o}",
        ),
        ("(well|wide) apart", "with a wide space between {a:them}"),
    ),
    "side_by_side": Forms(
        (
            "{a} were side by side",
            "{a} [kept close together]",
            "hardly a gap showed between {a:o}",
            "there was little room between {a:o}",
            "{a} [stayed] side by side",
        ),
        ("side by side", "close together", "shoulder by shoulder"),
    ),
    "before": Forms(
        (
            "{a} {a:was} nearer, {b} farther back",
            "{a} {a:was} (nearer|closer) than {b:o}",
            "{b} {b:was} farther back than {a:o}",
            "{a} [took up] more of the view than {b:o}",
            "{b} [kept] farther back, {a} in front",
        ),
        ("nearer than {b:o}", "with {b:o} farther back"),
    ),
    "between": Forms(
        (
            "{a} {a:was} in the middle, {b:list} on either side",
            "{a} [kept] (to the|the) middle",
            "{a} {a:was} between {b:list}",
            "{b:list} [b: flanked] {a:o}",
            "on either side of {a:o} were {b:list}",
            "the middle was {a:own}, with {b:list} on the two sides",
        ),
        ("in the middle", "between {b:list}"),
    ),
    "nearest_farthest": Forms(
        (
            "{a} {a:was} nearest, {b} farthest off",
            "nearest of all was {a}, and {b} was farthest back",
            "the depth of it went from {a:o} in front to {b:o} at the back",
            "{a} [took up] the most of the view, {b} the least",
        )
    ),
    "gap_grew": Forms(
        (
            "the space between {a:o} (grew|widened|opened)",
            "{a} [moved apart]",
            "{a} [drew apart]",
            "(more|there was more) room had come between {a:o}",
        ),
        ("[drawing] apart", "with more room between {a:them}"),
    ),
    "gap_shrank": Forms(
        (
            "the space between {a:o} (shrank|narrowed|closed)",
            "{a} [moved together]",
            "{a} [drew together]",
            "{a} [came (closer|nearer)] to {a:each}",
        ),
        ("[drawing] together", "with less room between {a:them}"),
    ),
    # place and look ----------------------------------------------------------------------------------------------
    "on_far_left": Forms(
        ("{a} [kept to] the far left", "{a} {a:was} (at|near) the left edge", "the left edge was {a:own}"),
        ("at the left edge", "on the far left", "close to the left edge"),
    ),
    "on_left": Forms(
        ("{a} {a:was} on the left", "{a} [kept to] the left", "the left was {a:own}", "on the left {a:was} {a}"),
        ("on the left", "left of centre", "to the left", "a little to the left"),
    ),
    "on_centre": Forms(
        ("{a} {a:was} in the middle", "{a} [held] the centre", "the centre was {a:own}", "{a} [kept to] the middle"),
        ("in the middle", "at the centre", "in the middle of the (view|picture)"),
    ),
    "on_right": Forms(
        ("{a} {a:was} on the right", "{a} [kept to] the right", "the right was {a:own}", "on the right {a:was} {a}"),
        ("on the right", "right of centre", "to the right", "a little to the right"),
    ),
    "on_far_right": Forms(
        ("{a} {a:was} (at|near) the right edge", "{a} [kept to] the far right", "the right edge was {a:own}"),
        ("at the right edge", "on the far right", "close to the right edge"),
    ),
    "shot_close": Forms(
        (
            "the view was close on {a:o}",
            "{a:poss} face{a:s} took up (most|much) of the (view|picture)",
            "{a} {a:was} seen from close by",
            "there was hardly more to see than {a:poss} face{a:s}",
        ),
        ("seen from close by", "close enough for the face{a:s} to fill the view"),
    ),
    "shot_shoulders": Forms(
        (
            "{a} {a:was} seen from the shoulders up",
            "of {a:o}, head{a:s} and shoulders showed",
            "the view took in {a:poss} head{a:s} and shoulders",
            "{a} [showed] no lower than the shoulders",
            "below the shoulders nothing of {a:o} was seen",
            "the view ended below {a:poss} shoulders",
        ),
        ("seen from the shoulders up", "head{a:s} and shoulders in view"),
    ),
    "shot_full": Forms(
        (
            "{a} {a:was} in view from head to foot",
            "{a} could be seen from head to foot",
            "{a:poss} whole figure{a:s} showed",
        ),
        ("in view from head to foot", "the whole figure{a:s} in view"),
    ),
    "shot_small": Forms(
        (
            "{a} {a:was} some way off",
            "{a} [looked] small (in the view|at that distance|in so much space)",
            "there was a good deal of distance to {a:o}",
            "{a} [kept] some way back",
            "a lot of space remained around {a:o}",
        ),
        ("some way off", "small in the (view|picture)", "at a distance"),
    ),
    "fills": Forms(
        (
            "{a} [took up] (about|roughly) {share} of the (view|picture)",
            "(about|roughly) {share} of the (view|picture) was {a:own}",
            "{share} of the (view|picture), or thereabouts, went to {a:o}",
        ),
        ("[taking up] (about|roughly) {share} of the (view|picture)",),
    ),
    "wears": Forms(
        (
            "{a} {a:was} in {colour}",
            "{a} [wore] {colour}",
            "{a:poss} clothes showed {colour}",
        ),
        ("in {colour}", "(clothed|dressed) in {colour}"),
    ),
}
