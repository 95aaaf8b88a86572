"""Every benchmark once, small: ``python -m tests.perf``. Each is also run on its own, at full size, as its docstring says.

The figures are printed beside their aims; only a benchmark that breaks makes this fail, as a shared machine can make any
figure look bad.
"""

import subprocess
import sys
import time

BENCHMARKS: dict[str, list[str]] = {
    "codecs": ["--stories", "100", "--rounds", "4"],
    "pipeline": ["--frames", "60"],
    "export": ["--stories", "100", "--rounds", "1"],
    "scale": ["--shards", "40", "--frames", "100"],
    "chat": ["--requests", "200", "--queued", "1000"],
    "drafting": ["--stories", "120", "--queued", "300"],
    "evaluation": ["--stories", "60", "--peer-stories", "20"],
    "planning": ["--frames", "50000"],
    "decoding": ["--frames", "12", "--rounds", "2"],
    "training": ["--stories", "400"],
    "video": ["--seconds", "12"],
    "identity_accuracy": ["--films", "10", "--tuning", "4"],
    "viewer": ["--stories", "400"],
    "viewer_stream": ["--kilobytes", "40"],
    "identity_speed": ["--largest", "10000"],
    "vision_adapters": ["--rounds", "1"],
    "resizing": [],
}


def main() -> int:
    """Run them one after the other; returns how many broke."""
    broken = 0
    for name, arguments in BENCHMARKS.items():
        begun = time.monotonic()
        print(f"== {name} {' '.join(arguments)}", flush=True)
        done = subprocess.run([sys.executable, "-m", f"tests.perf.{name}", *arguments], check=False)
        broken += done.returncode != 0
        print(f"   {time.monotonic() - begun:.0f} s", flush=True)
    return broken


if __name__ == "__main__":
    sys.exit(main())
