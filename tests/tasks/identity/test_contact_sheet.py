"""Tests of the contact sheet."""

import pytest

from tasks.identity.contact_sheet import contact_sheet
from tasks.identity.identify import Identities
from tests.tasks.identity.films import see


def test_one_row_an_entity_in_order_of_numbers() -> None:
    seen = [
        see(1, "b"),
        see(0, "a"),
        see(0, "cup", kind="obj", label="cup", score=0.9),
        see(1, "bowl", kind="obj", label="bowl", score=0.5),
        see(2, "bowl", kind="obj", label="bowl", score=0.3),
        see(2, "twice", kind="obj", label="bowl", score=0.2),
        see(2, "z"),
    ]
    identities = Identities((0, 0, 1, 1, 1, 1, 9), (0.9, 0.4, 1.0, 0.8, 0.7, 0.7, 1.0), (None,) * 5 + (4, None))
    rows = contact_sheet(seen, identities, ["char2", "char2", "obj1", "obj1", "obj1", "obj1", "char10"])
    assert [row.entity_id for row in rows] == ["char2", "char10", "obj1"]
    assert [(view.index, view.frame, view.det_id) for view in rows[0].views] == [(1, 0, "a"), (0, 1, "b")]
    assert [view.det_id for view in rows[2].views] == ["cup", "bowl", "bowl"]
    assert rows[2].label == "cup"
    assert (rows[0].confidence, rows[2].confidence) == (0.4, 0.7)
    assert rows[0].views[0].box == seen[1].box


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="shorter"):
        contact_sheet([see(0, "a")], Identities((0,), (1.0,), (None,)), [])
