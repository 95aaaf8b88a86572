"""The codecs against the published way of reading the same texts.

``python -m tests.perf.codecs [--stories 626] [--rounds 12]`` prints, all from this run, in processor time of one core:
  stories        parse with spans and strict validation of that many stories of 13 frames, in seconds (aim 2)
  tables ratio   parsing a chain of thought over the regex peer, at 13 and at 130 frames (aim 1)
  whole ratio    parsing both texts and strict validation over the peer's parsing alone (aim 1)
  growth         10 times the frames over the time of one, ours (aim 11) and the peer's
  hostile        the slowest of texts made to be slow, in microseconds a character, at two lengths
"""

import argparse
import json
import time
from collections.abc import Callable

from schemas.chain_of_thought import parse_chain_of_thought, render_chain_of_thought
from schemas.story import render_story
from schemas.validation import check_texts
from tests.perf.codec_samples import FRAME_SIZE, build_value
from tests.perf.regex_peer import read_chain_of_thought, read_story

SHORT, LONG = 13, 130


def measure_stories(count: int) -> dict[str, float]:
    """Seconds for all stories, each different, and their mean sizes in characters."""
    texts = []
    for seed in range(count):
        tables, story = build_value(SHORT, seed)
        texts.append((render_chain_of_thought(tables), render_story(story)))
    sizes = [FRAME_SIZE] * SHORT
    begun = time.process_time()
    faults = sum(len(check_texts(cot, story, frame_sizes=sizes)) for cot, story in texts)
    seconds = time.process_time() - begun
    if faults:
        raise AssertionError("the samples are not valid")
    return {
        "stories_s": seconds,
        "chain_of_thought_chars": sum(len(cot) for cot, _ in texts) / count,
        "story_chars": sum(len(story) for _, story in texts) / count,
    }


def measure_growth(rounds: int) -> dict[str, float]:
    """Shortest milliseconds of each way at 13 and 130 frames, measured by turns, and their ratios."""
    ways: dict[str, Callable[[], object]] = {}
    for frames in (SHORT, LONG):
        tables, told = build_value(frames)
        cot, story, sizes = render_chain_of_thought(tables), render_story(told), [FRAME_SIZE] * frames
        ways[f"peer_tables_{frames}"] = lambda cot=cot: read_chain_of_thought(cot)  # type: ignore[misc]
        ways[f"peer_whole_{frames}"] = lambda cot=cot, story=story: (read_chain_of_thought(cot), read_story(story))  # type: ignore[misc]
        ways[f"tables_{frames}"] = lambda cot=cot: parse_chain_of_thought(cot)  # type: ignore[misc]
        ways[f"whole_{frames}"] = lambda cot=cot, story=story, sizes=sizes: check_texts(cot, story, frame_sizes=sizes)  # type: ignore[misc]
    found = {f"{name}_ms": shortest for name, shortest in _shortest(ways, rounds).items()}
    for frames in (SHORT, LONG):
        found[f"tables_over_peer_{frames}"] = found[f"tables_{frames}_ms"] / found[f"peer_tables_{frames}_ms"]
        found[f"whole_over_peer_{frames}"] = found[f"whole_{frames}_ms"] / found[f"peer_whole_{frames}_ms"]
    for name in ("peer_tables", "tables", "whole"):
        found[f"growth_{name}"] = found[f"{name}_{LONG}_ms"] / found[f"{name}_{SHORT}_ms"]
    return found


def _shortest(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Each way is run in every round, so that a busy moment of the machine meets all of them."""
    shortest = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            for _ in range(1 if name.endswith(str(LONG)) else 5):
                begun = time.process_time()
                way()
                shortest[name] = min(shortest[name], (time.process_time() - begun) * 1e3)
    return shortest


def measure_hostile() -> dict[str, float]:
    """Microseconds a character of the slowest hostile text, and how that grows when the text is 8 times as long."""
    from tests.schemas.test_fuzz import HOSTILE

    slowest, growth = 0.0, 0.0
    for text in HOSTILE:
        short = _check_seconds(text[: len(text) // 8])
        long = _check_seconds(text)
        slowest = max(slowest, long / len(text) * 1e6)
        if long > 0.02:  # below, the clock and the fixed costs are what is measured
            growth = max(growth, long / max(short, 1e-4))
    return {"hostile_us_a_char": slowest, "hostile_growth_8": growth}


def _check_seconds(text: str) -> float:
    shortest = float("inf")
    for _ in range(3):
        begun = time.process_time()
        check_texts(text, text)
        shortest = min(shortest, time.process_time() - begun)
    return shortest


def main() -> dict[str, float]:
    """Measure, and print the numbers as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stories", type=int, default=626)
    parser.add_argument("--rounds", type=int, default=12)
    args = parser.parse_args()
    found = measure_growth(args.rounds) | measure_stories(args.stories) | measure_hostile()
    print(json.dumps({name: round(value, 3) for name, value in found.items()}, indent=1))
    return found


if __name__ == "__main__":
    main()
