"""What stands around the clauses: how a block begins, what joins two clauses, and the line-up of a group."""

CUT_LEADS: tuple[str, ...] = (
    "(then|next) the (scene|view|picture) changed(:| and) ",
    "(then|next) came (another|a different|a new) (scene|view): ",
    "in the next scene ",
    "in the scene that followed ",
    "a (new|different) scene(:| began:) ",
    "the scene changed. ",
    "there was a cut. ",
    "then came a cut. ",
    "the scene was another one now. ",
    "the (view|picture) cut away(. |: )",
    "a cut(: |, and then )",
    "after that came another (view|scene). ",
    "with the next scene ",
    "when the scene changed, ",
    "from there it went on to another scene: ",
    "one scene gave way to another, and ",
    "the next scene was a different one: ",
    "",
)
"""Before the first clause of a block that begins a scene."""

ON_LEADS: tuple[str, ...] = (
    "",
    "",
    "",
    "then ",
    "next ",
    "now ",
    "after that ",
    "in the next view ",
    "one view on, ",
    "the scene went on. ",
    "without a cut, ",
    "from one view to the next ",
    "as the scene went on, ",
    "a view further on, ",
    "still in the same scene, ",
    "the scene was the same; ",
)
"""Before the first clause of a block that goes on within a scene."""

STILL_LEADS: tuple[str, ...] = (
    "",
    "",
    "the scene held. ",
    "as before, ",
    "little happened. ",
    "next to nothing changed. ",
    "the view stayed what it was. ",
    "nothing much was different. ",
    "again ",
    "still the same scene. ",
)
"""The same where little has changed."""

ROWS: dict[int, tuple[str, ...]] = {
    2: (
        "from left to right: {p} in {pc}, {q} in {qc}",
        "{p}, farther to the left, [p: wore] {pc}; {q}, to the right of {p:them}, {qc}",
        "{p} {p:was} in {pc}, {q}, to the right, in {qc}",
        "to the left there was {p}, in {pc}, and next to the right {q}, in {qc}",
    ),
    3: (
        "from left to right: {p} in {pc}, {q} in {qc}, {r} in {rc}",
        "{p}, leftmost, [p: wore] {pc}, {r}, at the other end, {rc}, and {q}, between {pr:them}, {qc}",
        "leftmost was {p}, in {pc}, then {q}, in {qc}, and last {r}, in {rc}",
        "reading from the left, there was {p} in {pc}, {q} in {qc} and {r} in {rc}",
        "the row began with {p}, in {pc}, went on to {q}, in {qc}, and ended with {r}, in {rc}",
        "{q}, in {qc}, had {p:list} in {pc} to the left and {r:list} in {rc} to the right",
    ),
}
"""Two or three people from left to right with what they wear: slots ``p``, ``q``, ``r`` and their colours."""

SIDED: dict[int, tuple[str, ...]] = {
    2: (
        "{p} [p: (kept to|had)] the left, in {pc}, {q} the right, in {qc}",
        "on the left was {p}, in {pc}, on the right {q}, in {qc}",
        "{p}, on the left, [p: wore] {pc}; {q}, on the right, {qc}",
        "the left was {p:own}, in {pc}, the right {q:own}, in {qc}",
    ),
    3: (
        "{p}, on the left, [p: wore] {pc}, {r}, on the right, {rc}, and {q}, between {pr:them}, {qc}",
        "on the left was {p}, in {pc}, then {q}, in {qc}, and on the right {r}, in {rc}",
        "the left was {p:own}, in {pc}, the right {r:own}, in {rc}; {q}, in {qc}, [q: kept to] the middle",
    ),
}
"""The same where the first is on the left of the frame and the last on the right."""

JOINS: tuple[str, ...] = (", and ", "; ", ", while ", ", and ")
"""Between two clauses about different people."""

ASIDES: tuple[str, ...] = (", and ", "; ", ", and ")
"""Between a clause about people and one about light or things."""
