"""The switches of ``storyreasoning build`` that say what the dataset holds."""

from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from schemas.config import BuildConfig


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[BuildConfig]:
    """The configuration of every build that is begun, in place of building."""
    configs: list[BuildConfig] = []

    def stop(_: str, __: str, config: BuildConfig, *___: Any) -> None:
        configs.append(config)
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.build.build", stop)
    return configs


@pytest.mark.parametrize(
    ("switches", "changed"),
    [
        ([], {}),
        (["--coco"], {"coco": True}),
        (["--webdataset", "--split-like", "paper"], {"webdataset": True, "split_like": "paper"}),
    ],
)
def test_switches_are_laid_over_the_configuration(
    asked: list[BuildConfig], tmp_path: Path, switches: list[str], changed: dict[str, object]
) -> None:
    (tmp_path / "my.toml").write_text("[export]\ntest_ratio = 0.5\n")
    command = ["build", "--workspace", str(tmp_path / "w"), "--config", str(tmp_path / "my.toml"), *switches]
    assert main(command) == 130
    (config,) = asked
    assert config.export.model_dump() == {**BuildConfig().export.model_dump(), "test_ratio": 0.5, **changed}


def test_another_split_is_wrong_use(asked: list[BuildConfig], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["build", "--split-like", "theirs"])
    assert stopped.value.code == 2
    assert asked == []
    assert "invalid choice: 'theirs'" in capsys.readouterr().err
