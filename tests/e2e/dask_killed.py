"""Preloaded by Dask workers: they use the fake models, and the first to detect something in a sixth frame is killed."""

import os
import signal
from pathlib import Path
from typing import Any

from tests import fakes


def dask_setup(worker: object) -> None:
    """Called by a worker when it starts; ``STORYREASONING_SIGN`` names the file that the killed one leaves."""
    import tasks.detect

    fakes.install()
    sign = Path(os.environ["STORYREASONING_SIGN"])
    choose, seen = tasks.detect.choose_detections, 0

    def fatal(*arguments: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen == 6 and not sign.exists():
            sign.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return choose(*arguments)

    tasks.detect.choose_detections = fatal
