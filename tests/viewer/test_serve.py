import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.errors import ConfigError
from viewer.serve import LOOPBACK, bind

ROOT = Path(__file__).parents[2]


def test_a_port_is_bound_on_loopback_only() -> None:
    with bind(0) as listening:
        assert listening.getsockname()[0] == LOOPBACK == "127.0.0.1"


def test_a_port_in_use_is_told() -> None:
    with bind(0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} cannot be used .*--port"):
            bind(port)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may use every port")
def test_a_port_that_is_not_ours_is_told() -> None:
    with pytest.raises(ConfigError, match="port 1 cannot be used"):
        bind(1)


def test_the_command_serves_until_it_is_interrupted(dataset: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cli.main", "view", str(dataset), "--port", "0", "--no-browser"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(
            rf"33 stories of {re.escape(str(dataset))}: http://127\.0\.0\.1:(\d+)/ \(Ctrl-C ends it\)\n", line
        )
        assert found is not None, line
        port = int(found[1])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/api/stories?size=1")
        assert connection.getresponse().status == 200
        # Nobody else on the network is answered: the socket is bound to loopback, not to every address.
        with socket.socket() as other, pytest.raises(OSError):
            other.settimeout(2)
            other.connect(("127.0.0.2", port))
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=10)
        assert (process.returncode, out, errors) == (0, "", "")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"
