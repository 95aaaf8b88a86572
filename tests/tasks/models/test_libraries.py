"""Libraries of extras that are missing, or that cannot be imported, in one line each."""

import importlib

import pytest

from schemas.errors import ConfigError
from tasks.models import device


def test_one_that_is_missing_is_named_with_the_extra() -> None:
    with pytest.raises(
        ConfigError, match=r"^model m needs no_such_library\. Install with: pip install 'storyreasoning\[gpu\]'"
    ):
        device.import_library("no_such_library", "model m")


@pytest.mark.parametrize(
    "error", [RuntimeError("operator torchvision::nms\ndoes not exist"), OSError("libcudart.so.13")]
)
def test_one_that_breaks_while_it_is_imported_says_why(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> object:
        raise error

    monkeypatch.setattr(device, "import_module", fail)
    told = " ".join(str(error).split())
    with pytest.raises(ConfigError) as caught:
        device.import_library("open_clip", "model m")
    assert str(caught.value) == (
        f"model m needs open_clip, which is installed but cannot be imported ({told}): "
        "install torch and torchvision of one release"
    )


def test_one_that_is_there() -> None:
    assert device.import_library("json", "model m") is importlib.import_module("json")
