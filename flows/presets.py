"""Presets: named configurations in ``data/presets``, over which a file of the user's is laid."""

from pathlib import Path

from schemas.config import BuildConfig, make_config, merge, nearest, read_toml
from schemas.errors import ConfigError
from tasks.runtime.resources import DATA


def preset_names() -> list[str]:
    """Names of the presets that there are."""
    return sorted(path.stem for path in (DATA / "presets").glob("*.toml"))


def load_config(preset: str = "embedded", file: Path | None = None) -> BuildConfig:
    """The configuration of a preset with the values of ``file`` laid over it.

    Raises:
        ConfigError: no such preset (the nearest is named), or the file is unreadable or holds what it must not.
    """
    path = DATA / "presets" / f"{preset}.toml"
    if preset not in preset_names():
        raise ConfigError(f"unknown preset '{preset}'{nearest(preset, preset_names())}")
    values = read_toml(path)
    if file is None:
        return make_config(values, f"preset {preset}")
    return make_config(merge(values, read_toml(file)), str(file))
