"""Words as the language metrics count them: the tokens of Stanford's Penn Treebank tokeniser on one line of prose.

The published metrics run CoreNLP 3.4.1's ``PTBTokenizer`` in lower case and leave out the tokens of ``PUNCTUATION``. This
gives the same words without Java. The rules and lists were worked out from what that program does with prose; the tests hold
the two against each other. Rules for mark-up, telephone numbers and the like, which stories do not have, are left out.
"""

import re

PUNCTUATION = frozenset(
    ("''", "'", "``", "`", "-LRB-", "-RRB-", "-LCB-", "-RCB-", ".", "?", "!", ",", ":", "-", "--", "...", ";")
)
"""Tokens that do not count. The brackets are listed in upper case and the tokens are in lower case, so brackets do count."""

_ABBREVIATIONS = (
    "adj adm adv al ala alex apr ariz assn assoc asst atty attys aug ave bancorp bhd bldg blvd brig bros calif capt cf cie cmdr"
    " co col colo comdr conn corp cos cpl ct dak dec dept det dr drs ens esq est etc ext feb fla fri ft ga gen gov govs hon inc"
    " ind insp intl jan jos jr jul jun kan kans ky lieut lt ltd maj mar md messrs mfg mich minn mlle mme mo mon mont mr mrs ms"
    " msgr mt mtg neb nev nov oct okla penn pfc ph plc pres prof profs pte pty ptys pvt rd rep reps rev rt sen sens sep sept seq"
    " sfc sgt spc sq sr st ste supt supts sys tel tenn thu thurs tue tues univ va vs vt wed wis wisc wm wyo"
)
"""Keep their full stop, in any case."""

_NAMES = "Ark Az Del Ill La Mass Miss Ore Pa Tex Wash ARK AZ DEL ILL LA MASS MISS ORE PA TEX WASH"
"""Keep it too, but are words in lower case."""

_BEFORE_NUMBERS = "art ca fig figs no nos op pp prop"
"""Keep it before a number."""

_STARTERS = (
    "A About According After An As At But Earlier He Her Here However If In It Last Many More Now Once One Other Our She Since So"
    " Some Such That The Their Then There These They This We What When While Yet You"
)
"""Words in front of which the full stop after a single letter ends the sentence."""

_A = "['\u2019\u0092]"
_L = r"[A-Za-z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0370-\u03ff\u0400-\u04ff]"
_LD = _L[:-1] + "0-9\u0300-\u036f]"
_END = f"(?!{_LD})"


def _any(words: str) -> str:
    return "(?:" + "|".join(sorted(words.split(), key=lambda word: (-len(word), word))) + ")"


_RULES = tuple(
    (name, re.compile(pattern))
    for name, pattern in {
        "address": rf"https?://[^\s\"<>|()]*[^\s\"<>|.!?(),;:'\u2019-]|{_LD}[\w.+-]*@[\w-]+(?:\.[\w-]+)+",
        "halves": rf"(?i:cannot|gonna|gotta|lemme|gimme|wanna){_END}|{_A}(?i:tis|twas)(?:{_END}|(?=n{_A}t))",
        "whole": rf"{_A}[0-9]0s{_END}|{_A}[nN]{_A}|{_A}(?i:em|cause|till?){_END}|(?<=more){_A}n{_END}|(?i:ol){_A}{_END}"
        rf"|(?i:ma{_A}am|c{_A}mon|n?e{_A}er|s{_A}mores){_END}",
        "auxiliary": rf"{_A}(?i:[msd]|re|ve|ll)(?!{_L})|[nN]{_A}[tT](?!{_L})",
        "abbreviation": rf"(?:(?i:{_any(_ABBREVIATIONS)})|{_any(_NAMES)})\.|(?i:{_any(_BEFORE_NUMBERS)})\.(?=\s*[0-9])",
        "degree": r"(?i:(?:ed|ph)\.d\.)",
        "letters": rf"{_L}(?:\.{_L})+\.(?!{_LD})|[A-Z]\.(?!{_LD}|\s+{_any(_STARTERS)}\b)|[a-z]\.(?!{_LD}|\s+{_any(_STARTERS)}\b)",
        "apostrophe": rf"[dDoOlL]{_A}{_L}{_LD}*(?:-{_LD}+)*",
        "elided": rf"[yY]{_A}(?={_L})",
        "word": rf"{_L}{_LD}*(?:[.!?]{_L}{_LD}*)*",
        "hyphenated": rf"{_LD}(?:{_LD}|[.,](?={_LD}))*(?:\.?-{_LD}+)+",
        "slashed": rf"{_LD}+(?:-{_L}+){{0,2}}(?:/{_LD}+(?:-{_L}+){{0,2}}){{1,2}}",
        "number": r"[-+]?[.,]?[0-9]+(?:[.,:][0-9]+)*",
        "count": rf"[0-9]{_LD}+",
        "dashes": "-{2,}|[\u2013\u2014]",
        "dots": r"\.{3,}|\u2026",
        "marks": r"[?!]+",
        "joined": rf"[#@]{_L}{_LD}*|{_LD}+(?:_{_LD}+)+",
        "other script": r"[^\W\d_\u0000-\u04ff]+",
    }.items()
)
"""As in a generated lexer the longest match wins, and of equally long ones the first rule."""

_SPECIAL = frozenset(
    f"{_ABBREVIATIONS} {_NAMES} {_BEFORE_NUMBERS} cannot gonna gotta lemme gimme wanna".lower().split()
)
_PLAIN = re.compile("([A-Za-z]{2,})[,;:.!?]?(?= |$)")
"""What most of a text is made of: a word that no rule but one fits, and perhaps one mark that does not count."""

_HOLD_WORDS = frozenset(("word", "hyphenated", "apostrophe", "slashed"))
_NEGATED = re.compile(rf"[nN]{_A}[tT](?!{_L})")
_HALVES = re.compile(rf"(can|gon|got|lem|gim|wan|{_A}t)(.+)", re.IGNORECASE)
_WRITTEN = {
    "(": "-lrb-",
    ")": "-rrb-",
    "[": "-lsb-",
    "]": "-rsb-",
    "{": "-lcb-",
    "}": "-rcb-",
    "\u20ac": "$",
    "\u00a3": "#",
    "\u00a2": "cents",
    "\u2026": "...",
    "\u00bc": "1/4",
    "\u00bd": "1/2",
    "\u00be": "3/4",
    **dict.fromkeys('"\u201c\u201d\u00ab\u00bb', "''"),
    **dict.fromkeys("'\u2018\u2019\u0092\u2039\u203a", "'"),
}


def split_words(text: str) -> list[str]:
    """The words of a text, which counts as one line, in lower case and without punctuation."""
    text = " ".join(text.split())
    words: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == " ":
            at += 1
            continue
        plain = _PLAIN.match(text, at)
        if plain is not None and (word := plain[1].lower()) not in _SPECIAL:
            words.append(word)
            at = plain.end()
            continue
        name, end = _longest(text, at)
        if name in _HOLD_WORDS and text[end - 1] in "nN" and end - at > 1 and _NEGATED.match(text, end - 1):
            end -= 1
        token = text[at:end]
        if name == "halves":
            words += [_lower(part) for part in _HALVES.fullmatch(token).groups()]  # type: ignore[union-attr]
        elif name == "dashes":
            words.append("--")
        elif name == "dots":
            words.append("...")
        else:
            words.append(_WRITTEN.get(token) or _lower(token))
        at = end
    return [word for word in words if word not in PUNCTUATION]


def _longest(text: str, at: int) -> tuple[str, int]:
    """The rule that takes the most from here and where it ends; no rule and one character where none takes any."""
    name, end = "", at
    for rule, pattern in _RULES:
        found = pattern.match(text, at)
        if found is not None and found.end() > end:
            name, end = rule, found.end()
    return (name, end) if name else ("", at + 1)


def _lower(word: str) -> str:
    return re.sub("[\u2018\u2019\u0092]", "'", word).lower()
