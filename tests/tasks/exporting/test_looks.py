import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tasks.exporting.looks import Alike, LookFile, read_looks
from tests.tasks.report.films import BOXES, Film, make_run

ROWS = arrays.arrays(np.float32, st.tuples(st.integers(1, 7), st.just(4)), elements=st.floats(-1, 1, width=16)).map(
    lambda rows: rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-3)
)


@settings(max_examples=40)
@given(st.lists(ROWS, min_size=1, max_size=3), ROWS, st.floats(0.5, 0.99))
def test_two_frames_are_found_where_there_are_any(one: list[np.ndarray], two: np.ndarray, least: float) -> None:
    with pytest.MonkeyPatch.context() as patch, LookFile(Path(tempfile.gettempdir())) as looks:
        patch.setattr("tasks.exporting.looks._BLOCK", 2)
        for part, rows in enumerate(one):
            looks.add("a", [f"a{part}.{k}" for k in range(len(rows))], rows)
        looks.add("b", [f"b{k}" for k in range(len(two))], two)
        cosines = {
            (f"a{part}.{i}", f"b{j}"): float(x @ y)
            for part, rows in enumerate(one)
            for i, x in enumerate(rows)
            for j, y in enumerate(two)
        }
        found = looks.find_alike("a", "b", least)
    best = max(cosines.values())
    if found is None:
        assert best < least + 0.002, "stored in half precision"
    else:
        assert cosines[found.frame, found.other] == pytest.approx(found.cosine, abs=0.003)
        assert found.cosine >= least - 0.001


def test_films_without_looks_are_like_none(tmp_path: Path) -> None:
    with LookFile(tmp_path) as looks:
        looks.add("a", ["x"], np.array([[1.0, 0.0]], np.float32))
        assert looks.find_alike("a", "b", 0.0) is None
        assert looks.find_alike("a", "a", 1.0) == Alike("x", "x", 1.0)
    assert list(tmp_path.iterdir()) == []


def test_a_look_is_the_mean_of_its_crops_by_area(tmp_path: Path) -> None:
    run, refs, _ = make_run(tmp_path, [Film(stories=1, look=(0.0, 2.0)), Film("plain", stories=1)])
    names, looks = read_looks(run, refs[0])
    assert names == [f"f_scene_0001_{n:04d}" for n in range(1, 6)]
    assert looks == pytest.approx(np.tile([0.0, 1.0], (5, 1)))
    assert read_looks(run, refs[1])[0] == [], "crops without an embedding have no look"
    assert len(BOXES) == 3
