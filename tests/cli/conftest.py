"""What every test of the command line needs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import fakes
from tests.e2e.building import CONFIG


@dataclass(frozen=True)
class Ran:
    """Exit code and what was printed."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line of an error, without ``error: ``; asserts that it is one line and that there is no traceback."""
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self.err
        assert self.err.splitlines()[-1] == lines[0], "the error is the last thing that is said"
        assert "Traceback" not in self.err + self.out
        assert self.code in (1, 2)
        return lines[0].removeprefix("error: ")


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command in this process with fake models, without network and Prefect's server."""
    from cli.main import main

    fakes.install(monkeypatch.setattr)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    def call(*arguments: object) -> Ran:
        words: Sequence[str] = [str(word) for word in arguments]
        capsys.readouterr()
        try:
            code = main(words)
        except SystemExit as stopped:
            code = stopped.code if isinstance(stopped.code, int) else 1
        told = capsys.readouterr()
        return Ran(code, told.out, told.err)

    return call


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """The configuration that the finished workspace was built with."""
    path = tmp_path / "my.toml"
    lines = [
        line for name, values in CONFIG.items() for line in (f"[{name}]", *(f"{k} = {v}" for k, v in values.items()))
    ]
    path.write_text("\n".join(lines) + "\n")
    return path
