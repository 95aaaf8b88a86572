"""Presets: files of values that are all valid, and a user's file laid over them."""

import re
from pathlib import Path

import pytest

from flows.presets import load_config, preset_names
from schemas.config import BuildConfig
from schemas.errors import ConfigError
from tasks.runtime.resources import DATA


def test_the_default_preset_is_there() -> None:
    assert "embedded" in preset_names()


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_a_valid_configuration_and_says_what_it_is(name: str) -> None:
    assert isinstance(load_config(name), BuildConfig)
    text = (DATA / "presets" / f"{name}.toml").read_text()
    assert text.startswith("#")
    assert len(text.splitlines()[0]) > 20


def test_a_file_is_laid_over_the_preset(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text("[sequence]\ntarget_frames = 9\n")
    config, base = load_config("embedded", tmp_path / "my.toml"), load_config("embedded")
    assert config.sequence.target_frames == 9
    assert config.model_copy(update={"sequence": base.sequence}) == base


@pytest.mark.parametrize("name", ["", "Embedded", "embeded", "../presets/embedded", "embedded.toml", "a\0b"])
def test_an_unknown_preset_names_the_nearest(name: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"unknown preset '{name}'")) as caught:
        load_config(name)
    assert "embedded" in str(caught.value)


def test_a_fault_in_the_users_file_names_that_file(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text("[sequence]\ntarget_frame = 9\n")
    with pytest.raises(
        ConfigError, match=r"unknown key 'sequence\.target_frame' in .*my\.toml; did you mean 'target_frames'"
    ):
        load_config("embedded", tmp_path / "my.toml")


def test_a_value_in_the_place_of_a_section(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text("sequence = 5\n")
    with pytest.raises(ConfigError, match="sequence in"):
        load_config("embedded", tmp_path / "my.toml")
