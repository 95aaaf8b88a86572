"""What a measurement was made on."""

import importlib.metadata
import platform
from pathlib import Path
from typing import Any

from tasks.models import compiled
from tasks.models.device import available_cores

LIBRARIES = (
    "torch",
    "onnxruntime",
    "onnxruntime-gpu",
    "ultralytics",
    "open_clip_torch",
    "transformers",
    "numpy",
    "pillow",
)


def describe_machine() -> dict[str, Any]:
    """The processor, how many cores this process may use, the versions of what runs the models, and what resizes images."""
    return {
        "processor": _processor(),
        "cores": available_cores(),
        "python": platform.python_version(),
        "compiled": compiled.pixels is not None,
        "libraries": {name: version for name in LIBRARIES if (version := _version(name))},
    }


def _processor(path: Path = Path("/proc/cpuinfo")) -> str:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
