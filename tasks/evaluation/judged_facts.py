"""What a judge said (``judged.summarise``), in words for a terminal or a page."""

from collections.abc import Mapping
from typing import Any

_NAMES = {
    "description_accuracy": "description accuracy, 1 to 5",
    "creativity": "creativity, 1 to 5",
    "hallucinations": "hallucinations a story",
}
_AMONG = {
    "repeats": "repeats of the judge",
    "people": "people among each other",
    "judge_and_people": "the judge with people",
}


def judge_facts(judged: Mapping[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Tables of name and value, by heading."""
    missing = judged["missing"]
    rows = [
        *((_NAMES[name], _mean(one)) for name, one in judged["means"].items()),
        ("stories judged", f"{judged['stories']:,}"),
        ("judgements missing", f"{sum(missing.values()):,} of {judged['asked']:,}"),
        *((f"missing: {reason}", f"{count:,}") for reason, count in missing.items()),
        ("named as told, and not in the story (left out)", f"{judged['unquoted']:,}"),
        ("cost", f"{judged['tokens']:,} tokens, {judged['cost_usd']:.2f} USD"),
    ]
    found = {f"Judged by {judged['model']}, rubric {judged['rubric']}": rows}
    if judged["preferred"]:
        found["Preferred, shown in both orders"] = [
            (_NAMES[name], f"these {one['second']}, the others {one['first']}, neither {one['tie']}")
            for name, one in judged["preferred"].items()
        ]
    found["Agreement, Krippendorff's alpha"] = [
        (f"{_AMONG[among]}: {_NAMES[name]}", _alpha(one))
        for among, values in judged["agreement"].items()
        for name, one in values.items()
    ]
    return found


def _mean(one: Mapping[str, float | None]) -> str:
    if one["value"] is None:
        return "no such"
    interval = f" [{one['low']:.2f}, {one['high']:.2f}]" if one["low"] is not None and one["high"] is not None else ""
    return f"{one['value']:.2f}{interval}"


def _alpha(one: Mapping[str, Any]) -> str:
    if one["alpha"] is None:
        return f"not to be told: {one['raters']} raters of {one['stories']} stories, or all say the same"
    return f"{one['alpha']:.2f} ({one['raters']} raters, {one['stories']} stories)"
