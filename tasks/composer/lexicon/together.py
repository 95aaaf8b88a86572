"""Two facts in one sentence. ``x+y`` is about the same people (slot ``a``); ``x/y`` sets people ``a`` beside people ``b``.

``way`` belongs to the first fact, ``way2`` to the second. ``x_all`` is a fact about everyone in view, two people or more.
"""

from tasks.composer.lexicon.form import Forms

TOGETHER: dict[str, Forms] = {
    # everyone ----------------------------------------------------------------------------------------------------
    "still_all": Forms(
        (
            "{a:none} moved",
            "{a} [stayed exactly] where {a:they} had been",
            "(nothing|not a thing) changed in how {a} [kept] {a:their} places",
            "{a} [held still]",
            "{a} [kept] the places {a:they} had",
            "{a:none} made a move, and the distances stayed the same",
            "{a} might have been (painted|posed), so little stirred in {a:them}",
        )
    ),
    "nearer_all": Forms(
        (
            "{a} [came (closer|nearer) together]",
            "{a} [came on], all at (one|the same) pace",
            "{a} [drew (closer|nearer)], {a:none} left behind",
            "{a} [advanced] as one",
            "{a} [came forward], {a:none} ahead of the rest by much",
            "{a} [took up more of the (view|picture)], coming on together",
        )
    ),
    "farther_all": Forms(
        (
            "{a} [drew back] together",
            "{a} [moved off], {a:none} staying behind",
            "{a} [fell back] as one",
            "{a} were farther off now, and together",
        )
    ),
    "sideways_all": Forms(
        (
            "{a} [shifted] {way}ward together",
            "{a} were farther to the {way} now, and together",
            "{a} [moved] as one, to the {way}",
        )
    ),
    "faces_front_all": Forms(
        (
            "{a:none} looked aside",
            "{a} [looked straight ahead], {a:none} at {a:others}",
            "{a} [faced forward]",
            "{a:none} looked anywhere but straight ahead",
            "{a} [looked] the same way, straight ahead",
            "{a} [kept] {a:their} faces to the front",
            "if {a} had anything to say to {a:each}, it did not show: every face [kept] to the front",
        )
    ),
    "faces_aside_all": Forms(
        (
            "{a} [looked] the same way, to the {way}",
            "{a} [had turned] {a:their} faces to the {way}",
            "(something|whatever it was) to the {way} had {a:poss} faces",
            "{a} [faced] {way}ward, {a:none} the other way",
        )
    ),
    # motion and head, the same people ----------------------------------------------------------------------------
    "nearer+faces_front": Forms(
        (
            "{a} [came (closer|nearer)], {a:their} face{a:s} to the front (all the while|throughout|as before|)",
            "without a look aside, {a} [came (closer|nearer)]",
            "{a} [(drew|came) (closer|nearer), looking straight ahead]",
            "{a} [came forward] with {a:their} face{a:s} straight ahead",
            "looking neither left nor right, {a} [came on]",
            "{a} [came straight on], or so the face{a:s} made it seem",
        )
    ),
    "nearer+faces_aside": Forms(
        (
            "{a} [came (closer|nearer)], but {a:their} face{a:s} [stayed] turned to the {way2}",
            "{a} [drew nearer, looking {way2}ward]",
            "looking to the {way2}, {a} [came (on|closer|nearer)]",
            "{a} [came forward] with {a:their} head{a:s} turned {way2}ward",
        )
    ),
    "nearer+sideways": Forms(
        (
            "{a} [came (closer|nearer), and farther to the {way2}]",
            "{a} [came forward, bearing {way2}]",
            "{a} [(drew|moved) nearer and to the {way2}]",
            "closer now, and farther {way2}, {a:was} {a}",
            "{a} [came on at a slant, to the {way2}]",
        )
    ),
    "nearer+turned_front": Forms(
        (
            "{a} [came (closer|nearer)] and [turned] {a:their} face{a:s} to the front",
            "{a} [came forward], {a:their} face{a:s} coming round to the front as well",
        )
    ),
    "nearer+turned_aside": Forms(
        (
            "{a} [came (closer|nearer)], but {a:their} face{a:s} [went] round to the {way2}",
            "{a} [came forward and looked away to the {way2}]",
            "{a} [drew nearer, turning to the {way2}]",
        )
    ),
    "farther+faces_front": Forms(
        (
            "{a} [drew back], {a:their} face{a:s} still to the front",
            "{a} [moved back without looking aside]",
            "looking straight ahead, {a} [fell back]",
            "{a} [gave up ground, facing forward]",
        )
    ),
    "farther+faces_aside": Forms(
        (
            "{a} [drew back], {a:their} face{a:s} to the {way2}",
            "looking {way2}ward, {a} [moved back]",
            "{a} [fell back], {a:their} head{a:s} turned to the {way2}",
        )
    ),
    "farther+sideways": Forms(
        (
            "{a} [drew back and to the {way2}]",
            "{a} [moved off, {way2}ward and away]",
            "farther off now, and farther {way2}, {a:was} {a}",
        )
    ),
    "farther+turned_aside": Forms(
        (
            "{a} [drew back] and [turned] {a:their} head{a:s} to the {way2}",
            "{a} [fell back, looking away to the {way2}]",
        )
    ),
    "farther+turned_front": Forms(
        (
            "{a} [drew back], but {a:their} face{a:s} [came round] to the front",
            "{a} [fell back, turning to face forward]",
        )
    ),
    "sideways+faces_front": Forms(
        (
            "{a} [(moved|shifted|drifted) to the {way}], {a:their} face{a:s} still to the front",
            "{a} [went {way}, looking straight ahead]",
            "{a} [moved] {way}ward without a turn of the head",
        )
    ),
    "sideways+faces_aside": Forms(
        (
            "{a} [(moved|shifted|drifted) to the {way}], {a:their} face{a:s} to the {way2}",
            "looking {way2}ward, {a} [shifted] to the {way}",
        )
    ),
    "sideways+turned_front": Forms(
        (
            "{a} [shifted {way}ward] and [turned] {a:their} face{a:s} to the front",
            "{a} [moved to the {way}, turning to face forward]",
        )
    ),
    "sideways+turned_aside": Forms(
        (
            "{a} [moved to the {way}] and [turned] {a:their} head{a:s} {way2}ward",
            "{a} [shifted {way}ward, looking round to the {way2}]",
        )
    ),
    "still+faces_front": Forms(
        (
            "{a} [held still and looked straight ahead]",
            "{a} [stayed] as {a:they} had been, {a:their} face{a:s} to the front",
            "{a} [neither moved nor looked aside]",
            "still [facing forward], {a} [did not move]",
            "{a} [kept] {a:their} place{a:s} and {a:their} face{a:s} to the front",
            "{a} [faced forward and made no move]",
        )
    ),
    "still+faces_aside": Forms(
        (
            "{a} [held still], {a:their} face{a:s} to the {way2}",
            "{a} [went on looking to the {way2}] and [did not move]",
            "still [looking {way2}ward], {a} [kept] {a:their} place{a:s}",
            "{a} [stayed] as {a:they} had been, turned to the {way2}",
            "without moving, {a} [kept] {a:their} face{a:s} to the {way2}",
        )
    ),
    "still+tilts": Forms(
        (
            "{a} [held still], {a:their} head{a:s} leaning to the {way2}",
            "{a} [kept] {a:their} head{a:s} where {a:they} had let it lean, to the {way2}",
            "nothing about {a:o} changed, not even the lean of {a:their} head{a:s} to the {way2}",
        )
    ),
    "still+side_by_side": Forms(
        (
            "{a} [stayed] side by side and [did not move]",
            "still side by side, {a} [kept] {a:their} places",
            "{a:none} moved, and the space between {a:them} stayed as small as it was",
        )
    ),
    "still+apart": Forms(
        (
            "{a} [held still], as far apart as before",
            "{a:none} moved, and the space between {a:them} stayed as wide as it was",
            "still apart, {a} [kept] {a:their} places",
        )
    ),
    # space and head, a pair --------------------------------------------------------------------------------------
    "side_by_side+faces_front": Forms(
        (
            "{a} were side by side, {a:their} faces to the front",
            "side by side, {a} [looked straight ahead] and not at {a:each}",
            "{a} [kept close together], {a:none} looking at the other",
        )
    ),
    "side_by_side+face_apart": Forms(
        (
            "{a} were side by side and [looked opposite ways]",
            "close as {a} were, {a:their} faces [pointed] apart",
        )
    ),
    "side_by_side+face_each_other": Forms(
        (
            "{a} were side by side, {a:their} faces turned to {a:each}",
            "close together, {a} [faced] {a:each}",
        )
    ),
    "apart+faces_front": Forms(
        (
            "a wide space lay between {a:o}, and {a:none} looked across it",
            "{a} [kept apart], {a:their} faces to the front",
            "well apart, {a} [looked straight ahead], each as if alone",
        )
    ),
    "apart+face_apart": Forms(
        (
            "a wide space lay between {a:o}, and {a:their} faces [pointed] away from it",
            "{a} [kept apart and looked opposite ways]",
            "everything about {a:o} pointed apart: the space between {a:them}, the turn of {a:their} faces",
        )
    ),
    "apart+face_each_other": Forms(
        (
            "across a wide space {a} [faced] {a:each}",
            "{a} [kept apart], but {a:their} faces were turned to {a:each}",
            "the space between {a:o} was wide, and {a:their} faces crossed it",
        )
    ),
    # people set beside others ------------------------------------------------------------------------------------
    "faces_front/faces_aside": Forms(
        (
            "{a} [looked straight ahead], {b} to the {way2}",
            "{a} [faced forward] while {b} [b: looked {way2}ward]",
            "{b} [b: looked away to the {way2}]; {a} [did not look aside]",
            "where {a} [looked straight ahead], {b} [b: had turned] to the {way2}",
        )
    ),
    "faces_aside/faces_aside": Forms(
        (
            "{a} [looked to the {way}], {b} to the {way2}",
            "{a} [faced] {way}ward, {b} {way2}ward",
            "the faces pointed apart, {a:poss} to the {way} and {b:poss} to the {way2}",
        )
    ),
    "still/nearer": Forms(
        (
            "{a} [held still] while {b} [b: came (closer|nearer)]",
            "only {b} [b: moved], (coming|drawing) (closer|nearer); {a} [stayed] in place",
            "{b} [b: came (closer|nearer)], and {a} [let it happen without a move]",
            "{a} [kept] {a:their} place{a:s}; it was {b} that [b: came on]",
        )
    ),
    "still/farther": Forms(
        (
            "{a} [held still] while {b} [b: drew back]",
            "only {b} [b: moved], back and away; {a} [stayed]",
            "{b} [b: fell back], and {a} [did not follow]",
        )
    ),
    "still/sideways": Forms(
        (
            "{a} [held still] while {b} [b: (moved|shifted) to the {way2}]",
            "only {b} [b: moved], to the {way2}; {a} [stayed in place]",
            "{b} [b: shifted] {way2}ward, and {a} [did not follow]",
            "{a} [kept] {a:their} place{a:s}; {b} [b: went] {way2}",
        )
    ),
    "still/turned_aside": Forms(
        (
            "{a} [held still] while {b} [b: turned to the {way2}]",
            "only {b} [b: stirred], turning {way2}ward",
            "{b} [b: looked away to the {way2}]; {a} [did not move]",
        )
    ),
    "still/turned_front": Forms(
        (
            "{a} [held still] while {b} [b: turned] to the front",
            "{b} [b: came round to face forward]; {a} [did not move]",
            "only {b} [b: stirred], turning to the front",
        )
    ),
    "still/tilted": Forms(
        (
            "{a} [held still]; {b} [b: tilted] {b:their} head{b:s} to the {way2}",
            "only {b:poss} head{b:s} moved, leaning over to the {way2}, and {a} [kept] as {a:they} had been",
        )
    ),
    "nearer/farther": Forms(
        (
            "{a} [came (closer|nearer)] as {b} [b: drew back]",
            "while {b} [b: fell back], {a} [came forward]",
        )
    ),
    "nearer/sideways": Forms(
        (
            "{a} [came (closer|nearer)], and {b} [b: shifted to the {way2}]",
            "as {a} [came forward], {b} [b: moved] {way2}ward",
        )
    ),
    "farther/sideways": Forms(
        (
            "{a} [drew back], and {b} [b: shifted to the {way2}]",
            "as {a} [fell back], {b} [b: moved] {way2}ward",
        )
    ),
    "sideways/sideways": Forms(
        (
            "{a} [went {way}], {b} {way2}",
            "{a} [moved to the {way}] and {b} [b: to the {way2}]",
            "{a} [shifted {way}ward], {b} [b: {way2}ward]",
        )
    ),
    "turned_aside/faces_front": Forms(
        (
            "{a} [turned to the {way}]; {b} [b: looked straight ahead]",
            "{a} [looked away to the {way}], but {b} [b: did not]",
            "while {b} [b: faced forward], {a} [turned] {way}ward",
        )
    ),
    "turned_front/faces_aside": Forms(
        (
            "{a} [turned to the front], while {b} [b: looked to the {way2}]",
            "{a} [came round to face forward]; {b} [b: kept looking] to the {way2}",
        )
    ),
    "wears/wears": Forms(
        (
            "{a} [wore] {colour}, {b} {colour2}",
            "{a} {a:was} in {colour}, {b} in {colour2}",
            "{colour} was {a:own}, {colour2} {b:own}",
        )
    ),
    # where two people are, three in a row ----------------------------------------------------------------------------
    "sides": Forms(
        (
            "{a} [(had|kept to|took)] the left, {b} the right",
            "on the left was {a}, on the right {b}",
            "{a} {a:was} on the left and {b} on the right",
            "{b} [b: (had|kept to)] the right, {a} the left",
        ),
    ),
    "in_a_row": Forms(
        (
            "from left to right there were {a:list}",
            "{a:list} were there in this order, from the left",
            "the row read, from the left: {a:list}",
        )
    ),
}
