"""``docs/grounding.md`` and the registry of rules say the same, and every example in it is true."""

import re

import pytest

from schemas.chain_of_thought import parse_chain_of_thought, render_chain_of_thought
from schemas.repair import repair
from schemas.rules import RULES
from schemas.story import parse_story, render_story
from schemas.validation import check_texts
from tests.schemas.documented_rules import DOCUMENT, Example, Pair, make_pair, read_blocks, read_examples, spoil

EXAMPLES = read_examples()


def find_codes(pair: Pair, level: str) -> set[str]:
    faults = check_texts(
        pair.chain_of_thought,
        pair.story,
        frame_count=pair.frame_count,
        frame_sizes=pair.sizes,
        level="strict" if level == "strict" else "compatible",
    )
    return {fault.code for fault in faults}


def test_table_and_registry_agree() -> None:
    documented = [(one.code, one.level, one.sentence, one.repair) for one in EXAMPLES]
    assert documented == [(rule.code, rule.level, rule.sentence, rule.repair) for rule in RULES.values()]


def test_sound_pair_is_sound_and_canonical() -> None:
    pair = make_pair(read_blocks())
    assert find_codes(pair, "strict") == set()
    assert render_chain_of_thought(parse_chain_of_thought(pair.chain_of_thought).value) == pair.chain_of_thought
    assert render_story(parse_story(pair.story).value) == pair.story


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.code)
def test_wrong_example_breaks_its_rule_at_its_level(example: Example) -> None:
    pair = spoil(example)
    assert example.code in find_codes(pair, "strict")
    assert (example.code in find_codes(pair, "compatible")) == (example.level == "compatible")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.code)
def test_repair_does_what_the_table_says(example: Example) -> None:
    pair = spoil(example)
    before = find_codes(pair, "strict")
    mended = repair(pair.chain_of_thought, pair.story, frame_count=pair.frame_count, frame_sizes=pair.sizes)
    left = {fault.code for fault in mended.faults}
    if example.repair == "never":
        assert example.code in left
        assert example.code not in {fix.code for fix in mended.fixes}
    else:
        assert example.code not in left
        assert example.code in {fix.code for fix in mended.fixes}
    assert left <= before


def test_the_code_of_the_documentation_runs(capsys: pytest.CaptureFixture[str]) -> None:
    pair = make_pair(read_blocks())
    wrong = pair.story.replace("Ines</gdo>", "Ines")
    for code in re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.DOTALL | re.MULTILINE):
        exec(code, {"chain_of_thought": pair.chain_of_thought, "story": wrong})  # noqa: S102 -- our own documentation
    shown = capsys.readouterr().out
    assert shown.startswith('story:2:1 tag-unclosed: "<gdo char1>" is never closed\n')
    assert pair.story in shown
