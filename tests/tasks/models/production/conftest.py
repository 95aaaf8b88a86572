"""These tests need the gpu extra; a CPU build of torch will do."""

import importlib.util
import os
import tempfile
from pathlib import Path

import pytest

from tests.torchvision_operators import mend_torchvision

# Read when ultralytics is imported, which fixtures of a whole file do before those of a test.
if importlib.util.find_spec("ultralytics") is not None:
    os.environ.setdefault("YOLO_CONFIG_DIR", tempfile.mkdtemp(prefix="storyreasoning-ultralytics-"))
    os.environ.setdefault("YOLO_OFFLINE", "true")


mend_torchvision()


@pytest.fixture(autouse=True)
def _quiet_libraries(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No connections, no settings files in the user's home, nothing from the user's own caches."""
    base = Path(tmp_path_factory.getbasetemp())
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "YOLO_OFFLINE"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("YOLO_CONFIG_DIR", str(base))
    monkeypatch.setenv("STORYREASONING_WEIGHTS", str(base / "weights"))
