"""What work costs, held against work whose cost is known."""

import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from tasks.runtime.usage import Meter, gpu_in_use

needs_proc = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")


@needs_proc
def test_memory_that_was_there_for_a_moment_is_seen() -> None:
    with Meter() as quiet:
        pass
    with Meter() as meter:
        block = bytearray(200_000_000)
        block[::4096] = b"x" * len(block[::4096])
        time.sleep(0.15)
        del block
    assert meter.peak_bytes - quiet.peak_bytes > 150_000_000


@needs_proc
def test_bytes_that_were_read(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x" * 3_000_000)
    with Meter() as meter:
        path.read_bytes()
    assert 3_000_000 <= meter.read_bytes < 3_100_000


def test_waiting_is_no_work_and_processor_time_is_none_of_it() -> None:
    with Meter() as meter:
        time.sleep(0.3)
        meter.waited(0.2)
    assert 0.1 <= meter.seconds < 0.25
    assert meter.cpu_s < 0.1


def test_processor_time() -> None:
    with Meter() as meter:
        begun = time.process_time()
        while time.process_time() - begun < 0.1:
            pass
    assert 0.1 <= meter.cpu_s < 0.3


def test_models_cost_gpu_seconds_only_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    for opened, seconds in ((False, 0.0), (True, 2.5)):
        cuda = SimpleNamespace(is_initialized=lambda opened=opened: opened)
        monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
        with Meter() as meter:
            meter.held_models(2.5)
        assert meter.gpu_s == seconds


def test_asking_for_a_gpu_does_not_import_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert not gpu_in_use()
    assert "torch" not in sys.modules
