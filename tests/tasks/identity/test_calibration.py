"""Tests of calibration files and their curves."""

import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from schemas.errors import ConfigError
from tasks.identity import calibration as module
from tasks.identity.calibration import Curve, FaceCurve, calibration_path, check_name, load_calibration
from tests.tasks.identity.films import TEST_CALIBRATION

CURVE = Curve(slope=10.0, centre=0.6, lowest=-2.0, highest=3.0)
FACE = FaceCurve(slope=2.0, slope_r=4.0, offset=-1.0, offset_r=-0.5, offset_rr=-0.25, lowest=-8.0, highest=8.0)


def test_a_curve_is_a_line_between_bounds() -> None:
    assert CURVE.log_odds(np.array([0.0, 0.5, 0.6, 0.7, 1.0])) == pytest.approx([-2.0, -1.0, 0.0, 1.0, 3.0])


def test_a_face_curve_worked_out_by_hand() -> None:
    """Cosine 1/2, reliability 1/2: (2 + 4/2)/2 - 1 - 0.5/2 - 0.25/4 = 0.6875."""
    assert FACE.line(np.array([0.5]), np.array([0.5])) == pytest.approx([0.6875])


def test_moving_a_curve_moves_its_argument() -> None:
    points = np.linspace(-1, 1, 9)
    assert CURVE.moved(0.25).log_odds(points) == pytest.approx(CURVE.log_odds(points - 0.25))
    reliability = np.linspace(0.1, 1, 9)
    assert FACE.moved(0.25).line(points, reliability) == pytest.approx(FACE.line(points - 0.25, reliability))


def test_more_alike_faces_may_not_count_against() -> None:
    with pytest.raises(ValidationError, match="must not count against"):
        FaceCurve(slope=1.0, slope_r=-1.0, offset=0, offset_r=0, offset_rr=0, lowest=-1, highest=1)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of calibrations in place of the shipped one."""
    monkeypatch.setattr(module, "DATA", tmp_path)
    (tmp_path / "calibration").mkdir()
    return tmp_path / "calibration"


def test_a_file_comes_back_as_it_was(folder: Path) -> None:
    (folder / "test-v1.json").write_text(TEST_CALIBRATION.model_dump_json())
    assert load_calibration("test-v1") == TEST_CALIBRATION


def test_a_missing_file_names_what_there_is(folder: Path) -> None:
    with pytest.raises(ConfigError, match="no calibration 'a': known are none"):
        load_calibration("a")
    (folder / "b.json").write_text("{}")
    with pytest.raises(ConfigError, match="no calibration 'a': known are b"):
        load_calibration("a")


@pytest.mark.parametrize("content", ["", "[]", "{", '{"name": "x"}', b"\xff\xfe"])
def test_a_damaged_file_is_refused(folder: Path, content: str | bytes) -> None:
    (folder / "a.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError, match=r"a\.json cannot be read"):
        load_calibration("a")


def test_a_file_of_another_version_is_refused(folder: Path) -> None:
    values = {**json.loads(TEST_CALIBRATION.model_dump_json()), "format": 99}
    (folder / "a.json").write_text(json.dumps(values))
    with pytest.raises(ConfigError, match="cannot be read"):
        load_calibration("a")


def test_an_unknown_key_is_refused(folder: Path) -> None:
    values = {**json.loads(TEST_CALIBRATION.model_dump_json()), "extra": 1}
    (folder / "a.json").write_text(json.dumps(values))
    with pytest.raises(ConfigError, match="cannot be read"):
        load_calibration("a")


def test_a_name_that_ends_in_json_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine-v1.json"
    path.write_text(TEST_CALIBRATION.model_dump_json())
    assert load_calibration(str(path)) == TEST_CALIBRATION
    with pytest.raises(ConfigError, match=r"none\.json'.*embedded-v2"):
        load_calibration(str(tmp_path / "none.json"))
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(ConfigError, match=r"folder\.json cannot be read"):
        load_calibration(str(tmp_path / "folder.json"))


@pytest.mark.parametrize("name", ["films", "films-v", "../films-v1", "a/b-v1", "-v1", ".x-v1", "films-v1.json", ""])
def test_a_new_name_ends_in_a_version(name: str) -> None:
    with pytest.raises(ConfigError, match="ends in a version"):
        check_name(name)
    check_name("films-v12")


def test_every_shipped_calibration_can_be_read_and_says_where_it_is_from() -> None:
    files = sorted(calibration_path("x").parent.glob("*.json"))
    assert files
    for file in files:
        calibration = load_calibration(file.stem)
        assert calibration.name == file.stem
        assert calibration.provenance
        assert set(calibration.kinds) == {"char", "obj", "lm", "bg"}
