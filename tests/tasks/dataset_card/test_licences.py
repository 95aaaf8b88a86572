from pathlib import Path

import pytest

from schemas.errors import ConfigError
from tasks.dataset_card.licences import FilmLicence, Licences, common_licence, read_licences

FILMS = 'licence = "cc-by-4.0"\n[films."Night Train"]\nlicence = "CC0"\nsource = "a tape"\n[films.quay]\nsource = "b"\n'


def test_films_have_their_own_licence_or_the_common_one(tmp_path: Path) -> None:
    (tmp_path / "films.toml").write_text(FILMS)
    found = read_licences(tmp_path)
    assert found.of("Night Train") == FilmLicence("CC0", "a tape")
    assert found.of("quay") == FilmLicence("cc-by-4.0", "b")
    assert found.of("harbour") == FilmLicence("cc-by-4.0")


def test_the_file_may_lie_beside_the_frames(tmp_path: Path) -> None:
    frames, others = tmp_path / "frames", tmp_path / "others"
    frames.mkdir()
    others.mkdir()
    (tmp_path / "films.toml").write_text(FILMS)
    assert read_licences(frames).common == "cc-by-4.0"
    assert read_licences(others) == Licences()
    (frames / "films.toml").write_text('licence = "mit"')
    assert read_licences(frames).common == "mit"


def test_listed_sources_hold_for_all_films(tmp_path: Path) -> None:
    (tmp_path / "SOURCES.json").write_text('{"licence": "MIT, as declared"}')
    assert read_licences(tmp_path) == Licences("MIT, as declared")
    (tmp_path / "SOURCES.json").write_text("[1]")
    assert read_licences(tmp_path) == Licences()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("licence = ", "cannot be read"),
        ("licence = 3", "'licence' must be text, not 3"),
        ('license = "mit"', "holds more than"),
        ("films = 3", "holds more than"),
        ("[films]\nquay = 3", "film 'quay' takes"),
        ('[films.quay]\nlicense = "mit"', "film 'quay' takes"),
    ],
)
def test_what_is_not_understood_is_an_error(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "films.toml").write_text(text)
    with pytest.raises(ConfigError, match=words) as told:
        read_licences(tmp_path)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("licences", "common"),
    [
        (["CC-BY-4.0", "cc-by-4.0"], "cc-by-4.0"),
        (["mit", "cc-by-4.0"], "other"),
        (["mit", ""], "other"),
        (["my own"], "other"),
        ([], "other"),
    ],
)
def test_a_dataset_has_the_licence_that_all_its_films_have(licences: list[str], common: str) -> None:
    assert common_licence(licences) == common
