import hashlib
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from schemas.errors import ModelError
from tasks.models import sessions
from tasks.models.device import available_cores
from tasks.models.sessions import OnnxAdapter, open_session
from tasks.models.weights import MODELS_FOLDER, Weights, find_model, locate_weights
from tests.tasks.models.real_frames import ROOT


def shipped(name: str = "yunet-2023mar", stage: str = "face_detector") -> Weights:
    return locate_weights(find_model(name, stage))


def test_one_session_a_process_whichever_thread_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    loads = []
    load = sessions._load

    def slow(weights: Weights, threads: int) -> object:
        loads.append(weights)
        time.sleep(0.05)
        return load(weights, threads)

    monkeypatch.setattr(sessions, "_sessions", {})
    monkeypatch.setattr(sessions, "_load", slow)
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda _: open_session(shipped()), range(8)))
    assert len(loads) == 1
    assert all(session is opened[0] for session in opened)


def test_a_file_that_is_not_the_pinned_one_is_not_run(tmp_path: Path) -> None:
    other = tmp_path / "yunet-2023mar.onnx"
    other.write_bytes((MODELS_FOLDER / "yunet-2023mar.onnx").read_bytes() + b"\0")
    with pytest.raises(ModelError, match="is corrupt: expected sha256"):
        OnnxAdapter("x", Weights(other, shipped().sha256)).load()


def test_a_file_that_is_no_network_says_so(tmp_path: Path) -> None:
    path = tmp_path / "notes.onnx"
    path.write_bytes(b"shopping list")
    adapter = OnnxAdapter("x", Weights(path, hashlib.sha256(b"shopping list").hexdigest()))
    for _ in range(2):  # a failure is not remembered as a success
        with pytest.raises(ModelError, match=r"notes\.onnx is not a network that can be run: "):
            adapter.load()


def test_results_keep_the_order_of_the_items() -> None:
    adapter = OnnxAdapter("x", shipped(), threads=4)

    def late(item: int) -> int:
        time.sleep(0.02 if item == 0 else 0)
        return item * item

    assert adapter._map(late, list(range(9))) == [item * item for item in range(9)]
    assert adapter._map(late, []) == []


def test_no_more_threads_than_asked_for_and_one_where_one_is_enough() -> None:
    def thread(_: int) -> int:
        time.sleep(0.01)
        return threading.get_ident()

    assert len(set(OnnxAdapter("x", shipped(), threads=2)._map(thread, list(range(8))))) == 2
    assert set(OnnxAdapter("x", shipped(), threads=1)._map(thread, [1, 2])) == {threading.get_ident()}
    assert set(OnnxAdapter("x", shipped(), threads=3)._map(thread, [1])) == {threading.get_ident()}
    assert available_cores() >= 1


def test_an_error_in_an_item_is_raised() -> None:
    def fail(item: int) -> int:
        if item == 3:
            raise ValueError("item 3")
        return item

    with pytest.raises(ValueError, match="item 3"):
        OnnxAdapter("x", shipped(), threads=2)._map(fail, list(range(6)))


def test_a_session_gives_the_same_from_many_threads() -> None:
    adapter = OnnxAdapter("x", shipped(), threads=4)
    values = np.random.default_rng(0).uniform(0, 255, (1, 3, 64, 96)).astype(np.float32)
    alone = adapter._run(values)
    for outputs in adapter._map(lambda _: adapter._run(values), list(range(12))):
        assert all(np.array_equal(a, b) for a, b in zip(outputs, alone, strict=True))


def test_creating_adapters_loads_no_runtime() -> None:
    code = (
        "import sys; from tasks.models.registry import *; create_detector('nanodet-g-416'); "
        "create_face_detector('yunet-2023mar'); create_face_embedder('sface'); create_appearance('efficientnet-lite0'); "
        "print([m for m in ('onnxruntime', 'torch', 'cv2', 'faiss', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_error_stops_the_others() -> None:
    done = []

    def fail_first(item: int) -> None:
        if item == 0:
            raise ValueError("no")
        time.sleep(0.01)
        done.append(item)

    with pytest.raises(ValueError, match="no"):
        OnnxAdapter("x", shipped(), threads=2)._map(fail_first, list(range(500)))
    time.sleep(0.05)
    assert len(done) < 10


def test_each_thread_writes_its_inputs_into_memory_of_its_own() -> None:
    adapter = OnnxAdapter("x", shipped(), threads=2)
    ours = adapter._input(2, 3)
    assert ours.shape == (2, 3)
    assert np.shares_memory(ours, adapter._input(3, 2))
    with ThreadPoolExecutor(1) as pool:
        assert not np.shares_memory(ours, pool.submit(adapter._input, 2, 3).result())
    larger = adapter._input(50, 50)
    larger[:] = 1
    assert adapter._input(2, 2).tolist() == [[1, 1], [1, 1]]


def test_batches_at_the_same_time_share_the_threads() -> None:
    adapter = OnnxAdapter("x", shipped(), threads=2)

    def square(item: int) -> int:
        time.sleep(0.001)
        return item * item

    with ThreadPoolExecutor(4) as pool:
        batches = list(pool.map(lambda k: adapter._map(square, list(range(k, k + 20))), range(8)))
    assert batches == [[item * item for item in range(k, k + 20)] for k in range(8)]
