"""Content keys, natural order and slugs."""

import hashlib
import math
import random
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.runtime.keys import content_key, file_sha256, loses_letters, natural_key, slug

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


def shuffled(value: Any, seed: int) -> Any:
    """The same value with every mapping filled in another order."""
    if isinstance(value, dict):
        names = sorted(value)
        random.Random(seed).shuffle(names)
        return {name: shuffled(value[name], seed) for name in names}
    if isinstance(value, list):
        return [shuffled(item, seed) for item in value]
    return value


def same(a: Any, b: Any) -> bool:
    """Equality of JSON values, in which ``1``, ``1.0`` and ``True`` are three values."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and repr(a) == repr(b)


@given(VALUES, st.integers(0, 99))
def test_key_ignores_the_order_of_mappings(value: Any, seed: int) -> None:
    assert content_key(value) == content_key(shuffled(value, seed))


@given(VALUES, VALUES)
def test_different_values_have_different_keys(a: Any, b: Any) -> None:
    assert (content_key(a) == content_key(b)) == same(a, b)


@given(st.lists(st.integers(), min_size=2, unique=True))
def test_key_heeds_the_order_of_lists(items: list[int]) -> None:
    assert content_key(items) != content_key(items[::-1])


@given(VALUES)
def test_key_is_32_hexadecimal_digits(value: Any) -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", content_key(value))


def test_key_is_frozen() -> None:
    # A change here makes every workspace in the world start anew: raise the workspace's format instead.
    text = b'{"a":[1,2.5,null,true],"\\u00e9":"x"}'
    assert content_key({"é": "x", "a": [1, 2.5, None, True]}) == hashlib.sha256(text).hexdigest()[:32]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, [1, {"a": math.nan}], b"bytes", {1, 2}, object()])
def test_key_refuses_what_json_cannot_carry(value: Any) -> None:
    with pytest.raises(TypeError):
        content_key(value)


def test_key_takes_text_that_is_no_unicode() -> None:
    # File names that are no UTF-8 come as lone surrogates.
    assert content_key("\udcff") != content_key("\udcfe")


def test_file_sha256(tmp_path: Path) -> None:
    content = random.Random(0).randbytes(3_000_000)
    (tmp_path / "file").write_bytes(content)
    assert file_sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    "ordered",
    [
        ["scene 1", "scene 2", "scene 9", "scene 10", "scene 100"],
        ["a_2_b_10", "a_10_b_2", "a_10_b_9", "a_10_b_10"],
        ["f.09", "f.9", "f.10"],
        ["Film 1", "film 2", "FILM 3"],
        ["shot", "shot1", "shot1_2", "shot2", "shots"],
        ["", "0", "a"],
    ],
)
def test_natural_order_by_hand(ordered: list[str]) -> None:
    for seed in range(5):
        names = ordered[:]
        random.Random(seed).shuffle(names)
        assert sorted(names, key=natural_key) == ordered


@given(st.lists(st.integers(min_value=0, max_value=10**40)), st.text(alphabet="ab_-. ", max_size=4))
def test_natural_order_sorts_numbers_of_any_size(numbers: list[int], before: str) -> None:
    names = [f"{before}{number}x" for number in numbers]
    assert sorted(names, key=natural_key) == [f"{before}{number}x" for number in sorted(numbers)]


@given(st.text(), st.text())
def test_natural_order_is_total(a: str, b: str) -> None:
    assert (natural_key(a) == natural_key(b)) == (a == b)
    assert (natural_key(a) < natural_key(b)) + (natural_key(b) < natural_key(a)) + (a == b) == 1


@given(st.text(alphabet="aB1٣²½ 0", max_size=8), st.text(alphabet="aB1٣²½ 0", max_size=8))
def test_natural_order_takes_digits_of_other_scripts_as_letters(a: str, b: str) -> None:
    # "٣".isdigit() holds and int("²") does not: neither may break the comparison.
    assert (natural_key(a) < natural_key(b)) or (natural_key(b) <= natural_key(a))


def test_natural_order_takes_huge_runs_of_digits() -> None:
    # int() of more than 4300 digits raises: the key must not go through it.
    long = "9" * 100_000
    assert natural_key(f"a{long}") < natural_key(f"a1{'0' * 100_000}")


@given(st.text())
def test_slug_is_a_file_name(text: str) -> None:
    name = slug(text)
    assert re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,46}[A-Za-z0-9])?", name)
    assert slug(name) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("The Third Man (1949)", "The-Third-Man-1949"),
        ("Amélie", "Amelie"),
        ("../../etc/passwd", "etc-passwd"),
        ("a\nb\x00c", "a-b-c"),
        ("七人の侍", "film"),
        ("", "film"),
        ("-", "film"),
        ("x" * 80, "x" * 48),
    ],
)
def test_slug_by_hand(text: str, name: str) -> None:
    assert slug(text) == name


@pytest.mark.parametrize(
    ("text", "loses"),
    [
        ("The Third Man (1949)", False),
        ("Amélie", False),
        ("x" * 48, False),
        ("x" * 49, True),
        ("七人の侍", True),
        ("Solaris Солярис", True),
        ("", True),
        ("...", True),
    ],
)
def test_a_slug_that_loses_letters_is_known(text: str, loses: bool) -> None:
    assert loses_letters(text) == loses


@given(st.text(), st.text())
def test_slugs_that_lose_nothing_differ_where_letters_differ(a: str, b: str) -> None:
    def letters(text: str) -> str:
        return "".join(c for c in unicodedata.normalize("NFKD", text) if c.isalnum())

    if not loses_letters(a) and not loses_letters(b) and letters(a) != letters(b):
        assert slug(a) != slug(b)
