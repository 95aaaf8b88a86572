"""What drivers say of a GPU: there is none here, so those who ask are given a library and a command that answer."""

import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tasks.benchmark import gpu
from tasks.benchmark.gpu import Reading, Watch, open_card
from tasks.benchmark.measure import watch_alone

UUID = "3f1c2a90-0000-4000-8000-00000000000a"


class FakeCuda:
    """``torch.cuda`` as far as it is asked."""

    @staticmethod
    def get_device_properties(index: int) -> Any:
        assert index == 1
        return SimpleNamespace(name="NVIDIA H200", total_memory=141 * 2**30, uuid=UUID)


TORCH = SimpleNamespace(cuda=FakeCuda)


def library(*, tells: bool) -> ModuleType:
    """``pynvml`` with one GPU that is 87 % busy; without use, as of a part of a GPU, where it does not tell."""
    module: Any = ModuleType("pynvml")

    class NVMLError(Exception):
        pass

    def rates(handle: str) -> Any:
        if not tells:
            raise NVMLError("Not Supported")
        assert handle == "handle"
        return SimpleNamespace(gpu=87, memory=3)

    def by_uuid(uuid: str) -> str:
        assert uuid == f"GPU-{UUID}"
        return "handle"

    module.NVMLError = NVMLError
    module.nvmlInit = lambda: None
    module.nvmlDeviceGetHandleByUUID = by_uuid
    module.nvmlDeviceGetUtilizationRates = rates
    module.nvmlDeviceGetMemoryInfo = lambda _: SimpleNamespace(used=5 * 2**30)
    module.nvmlSystemGetDriverVersion = lambda: b"570.86.15"
    return module


def command(folder: Path, answer: str) -> None:
    """An ``nvidia-smi`` that answers by fields, and fails for another GPU."""
    script = folder / "nvidia-smi"
    script.write_text(
        f'#!/bin/sh\n[ "$1" = "--id=GPU-{UUID}" ] || exit 6\n'
        f'case "$2" in *driver_version) echo 570.86.15;; *) echo "{answer}";; esac\n'
    )
    script.chmod(0o755)


def test_through_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", library(tells=True))
    card = open_card(TORCH, 1)
    assert (card.name, card.driver, card.memory_bytes) == ("NVIDIA H200", "570.86.15", 141 * 2**30)
    assert card.read is not None
    assert card.read() == Reading(87.0, 5 * 2**30)


@pytest.mark.parametrize("installed", [True, False])
def test_through_the_command_where_the_library_does_not_tell(
    installed: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", library(tells=False) if installed else None)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    command(tmp_path, "42, 1024")
    card = open_card(TORCH, 1)
    assert card.driver == "570.86.15"
    assert card.read is not None
    assert card.read() == Reading(42.0, 2**30)


@pytest.mark.parametrize("answer", ["[N/A], [N/A]", "", "[Not Supported], 3"])
def test_nobody_tells(answer: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    command(tmp_path, answer)
    card = open_card(TORCH, 1)
    assert (card.name, card.driver, card.read) == ("NVIDIA H200", "", None)


def test_a_watch_leaves_out_what_was_before() -> None:
    begun = time.monotonic()

    def read() -> Reading:
        settled = time.monotonic() - begun > 0.1
        return Reading(80.0 if settled else 0.0, 200 if settled else 300)

    with Watch(read, every_s=0.01, settle_s=0.15) as watch:
        time.sleep(0.4)
    assert watch.busy == 80.0
    assert watch.peak_bytes == 300, "memory counts from the beginning"


def test_a_reading_that_fails_is_one_less() -> None:
    turns = iter(range(1000))

    def read() -> Reading:
        if next(turns) % 2:
            raise OSError("busy")
        return Reading(50.0, 1)

    with Watch(read, every_s=0.005, settle_s=0) as watch:
        time.sleep(0.2)
    assert watch.busy == 50.0


def test_without_a_gpu_nothing_is_read_and_nothing_run_again() -> None:
    def work() -> None:
        raise AssertionError

    watch = watch_alone(work, None)
    assert (watch.busy, watch.peak_bytes) == (None, None)


def test_an_adapter_runs_on_while_it_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.benchmark.measure.SETTLE_S", 0.1)
    monkeypatch.setattr("tasks.benchmark.measure.WATCHED_S", 0.2)
    monkeypatch.setattr(gpu, "SETTLE_S", 0.1)
    calls = []
    card = gpu.Card("card", "1", 1, lambda: Reading(10.0, 7))
    watch = watch_alone(lambda: calls.append(time.sleep(0.02)), card)
    assert len(calls) >= 10
    assert watch.peak_bytes == 7
