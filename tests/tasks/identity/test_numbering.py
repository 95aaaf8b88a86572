"""Tests of entity names."""

import pytest

from tasks.identity.identify import Identities
from tasks.identity.numbering import number_entities
from tests.tasks.identity.films import see


def named(*entity: int) -> Identities:
    """Identities that are sure of themselves."""
    return Identities(entity, (1.0,) * len(entity), (None,) * len(entity))


def test_first_appearance_then_size() -> None:
    views = [
        see(1, "late", box=(0, 0, 300, 300)),
        see(0, "small", box=(0, 0, 10, 10)),
        see(0, "large", box=(100, 0, 200, 200)),
    ]
    assert number_entities(views, named(5, 7, 9)) == ("char3", "char2", "char1")


def test_kinds_are_counted_apart() -> None:
    views = [
        see(0, "a"),
        see(0, "b", kind="obj", label="cup"),
        see(0, "c", kind="bg", label="sky"),
        see(0, "d", kind="lm", label="tower"),
        see(1, "a"),
        see(1, "b", kind="obj", label="cup"),
    ]
    assert number_entities(views, named(0, 1, 2, 3, 0, 4)) == ("char1", "obj1", "bg1", "lm1", "char1", "obj2")


def test_size_is_what_can_be_seen() -> None:
    """A box that lies mostly outside its frame of 400 x 300 is small."""
    views = [see(0, "outside", box=(390, 0, 9000, 300)), see(0, "inside", box=(0, 0, 100, 100))]
    assert number_entities(views, named(0, 1)) == ("char2", "char1")


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="1 observations but 2"):
        number_entities([see(0, "a")], named(0, 1))
