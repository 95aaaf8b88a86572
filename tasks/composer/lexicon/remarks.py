"""What is said of the whole at the end of a block: only what the measured course of the story bears out."""

BEGINNINGS: dict[str, tuple[str, ...]] = {
    "company": (
        "what followed would be a matter of who was there and who was not",
        "it would (turn|come) to matter who was in view, and with whom",
        "company, here, was not a thing to count on",
        "it was to be a story of comings and goings",
        "the company would not stay as it was",
        "who was with whom: that was going to change",
        "as for the company, it would not last in this form",
    ),
    "distance": (
        "what followed would be a matter of near and far",
        "it was to be a story of distances",
        "how near and how far: there would be more of that",
        "no distance here was to be kept for good",
        "near would not stay near, nor far far",
    ),
    "attention": (
        "what followed would be a matter of where a face points",
        "it was to be a story of looks and the turning of heads",
        "there would be more turning of heads",
        "the rest would hang on which way a head was turned",
        "it would matter, from here on, who looked where",
    ),
    "light": (
        "what followed would be a matter of light",
        "it was to be a story of bright and dark",
        "the light would not stay as it was",
        "more than anything, the light was going to change",
        "the light had the larger part in what was to come",
    ),
    "stillness": (
        "not much of it would change",
        "it was to be a story in which little moved",
        "what was to come would come in small steps",
        "the rest would be told in small differences",
        "there was no hurry in it, and there would be none",
    ),
}
"""At the end of the introduction, by theme; the whole story was measured first, so all of it comes true."""

MIDDLES: dict[str, tuple[str, ...]] = {
    "company": (
        "so far it was a matter of coming and going",
        "nothing about the company could be taken for settled",
        "who was there, and who was not: that was the measure of it",
        "it went on by comings and goings, more than by anything else",
    ),
    "distance": (
        "what counted was the distance",
        "near and far: that was the measure of it",
        "so it went on, by so much nearer or farther",
        "the distances, more than anything, kept it going",
    ),
    "attention": (
        "what counted was where a face was turned",
        "so it went on, from one turn of a head to another",
        "a head turned, or did not: that was the measure of it",
        "the heads, more than anything, kept it going",
    ),
    "light": (
        "what counted was the light",
        "so it went on, from one light to another",
        "bright or dark: that was the measure of it",
        "the light, more than anything, kept it going",
    ),
    "stillness": (
        "so it went on, by next to nothing",
        "small differences were all there was to go by",
        "it took patience to see anything change",
        "little by little, if at all",
    ),
}
"""At the end of the development, by theme."""

CONFLICTS: dict[str, tuple[str, ...]] = {
    "company": (
        "the company was not what it had been",
        "who was in view was no longer who had been",
        "it was other company than before, and no small change",
        "the old order of who was with whom was gone",
        "whatever had been settled about the company was settled no longer",
    ),
    "light": (
        "the light, at least, had not kept still",
        "it was as if the light had taken sides",
        "the light went against what had been before",
        "as a change of light it was not a small one",
    ),
    "scale": (
        "the distances had given way",
        "the old distance was gone",
        "as distances go, it was no small step",
        "something had given way, if only the distance",
    ),
    "heads": (
        "a turn of a head was enough to upset it",
        "where there had been one direction, there was another",
        "the faces went against what had been before",
    ),
    "scene": ("the scene, at least, would not stay", "there was no going on from there without a cut"),
}
"""At the beginning of the conflict, by what changed most; nothing is said when little changed."""

TURNINGS: dict[str, tuple[str, ...]] = {
    "company": (
        "that was the turn it took: other company",
        "if there was a turning, it was here, in who was there and who was not",
        "it turned on this, on who was there",
        "with the company, the story turned",
        "the turn, when it came, was a change of company",
    ),
    "light": (
        "if there was a turning, it was here, in the light",
        "the turn it took was a turn of the light",
        "it turned on the light, if on anything",
        "with the light, the story turned",
        "the turn, when it came, was a change of light",
    ),
    "scale": (
        "if there was a turning, it was here, in the distance",
        "the turn it took was one of distance",
        "it turned on this, on near and far",
        "with the distance, the story turned",
        "the turn, when it came, was one of nearness",
    ),
    "heads": (
        "if there was a turning, it was here, in the turn of a head",
        "it turned, quite simply, on the turning of a head",
        "the turn it took was no more than that, the turn of a head",
        "the turn, when it came, was that of a face",
    ),
    "scene": (
        "if there was a turning, it was this cut",
        "the turn it took was a change of scene",
        "it turned on a cut",
        "the turn, when it came, was a cut",
    ),
    "nothing": (
        "if there was a turning, it did not show",
        "whatever turned here turned without a sign",
        "if the story turned, it turned out of sight",
    ),
}
"""At the beginning of the turning point, by what changed most."""

GREATEST: dict[str, tuple[str, ...]] = {
    "company": (
        "at no other point did the company change so much",
        "(here|this) was where the company changed most",
        "more than any other change, it was this one that made the company new",
    ),
    "light": ("no other change of light was as great", "(here|this) was where the light changed most"),
    "scale": ("at no other point did the distance change so much", "(here|this) was where the distance changed most"),
}
"""The same where no other change of that part in the story is larger."""

ENDINGS: tuple[str, ...] = (
    "there it (ended|stopped)",
    "that was the last of it",
    "with that it (ended|closed|was over)",
    "no more was (shown|to come)",
    "there the sequence (broke off|closed|ended)",
    "it ended on that, without a word",
    "nothing came after",
    "the rest was not shown",
    "that was where it was left",
    "on that it closed",
)

CLOSINGS: dict[str, tuple[str, ...]] = {
    "company": (
        "in the end it had been a matter of company",
        "it had been, more than anything, a question of who was there",
        "comings and goings had been the most of it",
    ),
    "distance": (
        "in the end it had been a matter of distance",
        "near and far had been the most of it",
        "it had been, more than anything, a question of how near",
    ),
    "attention": (
        "in the end it had been a matter of where faces turned",
        "looks, and the turning of heads, had been the most of it",
        "it had been, more than anything, a question of who looked where",
    ),
    "light": (
        "in the end it had been a matter of light",
        "bright and dark had been the most of it",
        "it had been, more than anything, a question of light",
    ),
    "stillness": (
        "in the end little had changed",
        "it had been, more than anything, a matter of staying as things were",
        "so little had happened that the end was hardly one",
    ),
}
"""At the very end: one of the endings, or the theme once more."""
