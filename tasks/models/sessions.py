"""ONNX Runtime sessions: one a process for each weight file, and images spread over threads.

A session uses one thread, and a batch is spread over images instead. On networks this small that scales better than
threads inside an operator, leaves nobody spinning when the machine is shared, runs resizing and decoding in parallel
too, and makes the result of an image independent of its batch.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from schemas.errors import ModelError
from tasks.models.device import available_cores
from tasks.models.protocols import Bare
from tasks.models.scratch import Scratch
from tasks.models.weights import Weights

if TYPE_CHECKING:
    import onnxruntime


Shape = tuple[int, ...]
Item = TypeVar("Item")
Result = TypeVar("Result")
_sessions: dict[tuple[Weights, int], "onnxruntime.InferenceSession"] = {}
_lock = threading.Lock()
_scratch = Scratch()
_DISTINCT = 16


class OnnxAdapter:
    """What the adapters share: a name, a weight file loaded once a process, and a number of threads."""

    def __init__(self, name: str, weights: Weights, threads: int = 0) -> None:
        """Prepare without loading; ``threads`` images are worked on at once, 0 takes every core."""
        self._name = name
        self._weights = weights
        self._threads = threads or available_cores()

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._name

    @property
    def digest(self) -> str:
        """sha256 of the weights."""
        return self._weights.sha256

    def load(self) -> None:
        """Load the weights now.

        Raises:
            ModelError: they are missing, corrupt or not the pinned ones, or the runtime is not installed.
        """
        open_session(self._weights)

    @staticmethod
    def _input(*shape: int) -> NDArray[np.float32]:
        """Memory for the next input of the network, with anything in it; this thread's, until it asks again."""
        return _scratch.take("input", *shape)

    def _run(self, values: NDArray[Any], weights: Weights | None = None) -> list[NDArray[np.float32]]:
        """All outputs of the network for its one input; of another one where its ``weights`` are given."""
        session = open_session(weights or self._weights)
        outputs: list[NDArray[np.float32]] = session.run(None, {session.get_inputs()[0].name: values})
        return outputs

    def _alone(self, runs: Sequence[tuple[Shape, Weights | None]]) -> Bare:
        """The bare network on an input of each shape, an image a call and a thread: steady, and near the quickest way there is.

        :data:`_DISTINCT` inputs of a shape take turns: one alone would lie in the processor's cache, as no image of a batch does.
        """
        rng = np.random.default_rng(0)
        ready = {
            run: [rng.random((1, *run[0]), np.float32) for _ in range(min(count, _DISTINCT))]
            for run, count in Counter(runs).items()
        }
        inputs = [(ready[run][k % len(ready[run])], run[1]) for k, run in enumerate(runs)]

        def work() -> None:
            self._map(lambda job: self._run(*job), inputs)

        return work

    def _map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """``function`` of every item, in order, in parallel; the first error is raised."""
        self.load()  # here, so that a damaged file is reported once
        workers = min(self._threads, len(items))
        if workers <= 1:
            return [function(item) for item in items]
        # Each thread takes item after item: nobody is woken for each result.
        results: dict[int, Result] = {}
        turns = iter(range(len(items)))

        def work() -> None:
            try:
                for k in turns:
                    results[k] = function(items[k])
            except BaseException:
                for _ in turns:  # the others stop, too
                    pass
                raise

        for future in [_pool(os.getpid(), workers).submit(work) for _ in range(workers)]:
            future.result()
        return [results[k] for k in range(len(items))]


@cache
def _pool(process: int, workers: int) -> ThreadPoolExecutor:  # noqa: ARG001 - threads do not outlive a fork
    """Threads that stay, with the memory they write inputs into; callers at the same time share them."""
    return ThreadPoolExecutor(workers, "network")


def open_session(weights: Weights, threads: int = 1) -> "onnxruntime.InferenceSession":
    """The session of a weight file with ``threads`` in an operator; verified and loaded once a process, whoever asks.

    Raises:
        ModelError: the file is missing or not the pinned one, or the runtime is not installed or cannot read it.
    """
    with _lock:
        if (weights, threads) not in _sessions:
            weights.verify()
            _sessions[weights, threads] = _load(weights, threads)
        return _sessions[weights, threads]


def _load(weights: Weights, threads: int) -> "onnxruntime.InferenceSession":
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(f"{weights.path.name} needs onnxruntime. Install with: pip install onnxruntime") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # its warnings about how a file was exported are of no use to users
    try:
        return onnxruntime.InferenceSession(str(weights.path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime has a type of its own for every kind of damage
        reason = str(error).strip().partition("\n")[0]
        raise ModelError(f"model file {weights.path} is not a network that can be run: {reason}") from error
