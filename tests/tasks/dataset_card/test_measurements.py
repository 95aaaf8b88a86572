import json

import pytest

from tasks.dataset_card.measurements import measurements
from tests.tasks.dataset_card.samples import make_facts


def test_numbers_by_hand() -> None:
    found = measurements(make_facts())
    assert (found["stories"], found["splits"], found["films"]) == (
        6,
        {"train": 5, "test": 1},
        {"harbour": 5, "quay": 1},
    )
    assert found["frames_mean"] == 5.0
    assert found["entities_per_image"]["char"] == pytest.approx(1.4)
    assert found["persistence"]["char"]["5"] == 0.5
    assert found["identity"] == {
        "entities": 18, "linked": 12, "mean_confidence": 0.86, "doubtful": pytest.approx(6 / 42, abs=1e-6)
    }  # fmt: skip
    assert found["losses"] == 0.0
    assert json.loads(json.dumps(found)) == found
