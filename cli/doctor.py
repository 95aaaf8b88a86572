"""``storyreasoning doctor``."""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from cli.build import DEFAULT_WORKSPACE, SAMPLE_FILM
from schemas.errors import ModelError

DESCRIPTION = """\
What this machine has, what is missing, and how to get it. Exit code 0 when the embedded preset can run here, 1 when not."""

PACKAGES = (
    "prefect",
    "pyarrow",
    "datasets",
    "onnxruntime",
    "pillow",
    "numpy",
    "openai",
    "huggingface-hub",
)
EXTRAS = {"dask": ("prefect_dask", "engine dask: shards over several processes or machines")}
LOW_DISK_BYTES = 2_000_000_000
_TIMEOUT_S = 2.0

State = Literal["ok", "note", "missing"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the examination; ``remedy`` says how to get what is missing."""

    topic: str
    state: State
    text: str
    remedy: str = ""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("doctor", help="what this machine has and what is missing", description=DESCRIPTION)
    parser.add_argument("--workspace", default=DEFAULT_WORKSPACE, metavar="DIR", help="whose disk to look at")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Examine, and print what was found."""
    findings = list(examine(Path(args.workspace)))
    if args.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        marks = {"ok": "ok     ", "note": "note   ", "missing": "MISSING"}
        for finding in findings:
            print(f"{marks[finding.state]} {finding.topic:<10} {finding.text}")
            if finding.remedy:
                print(f"{'':<18} -> {finding.remedy}")
    return 1 if any(finding.state == "missing" for finding in findings) else 0


def examine(workspace: Path) -> Iterator[Finding]:
    """Everything that a build depends on."""
    yield Finding("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield Finding("cpu", "ok", f"{len(os.sched_getaffinity(0))} cores")
    yield from find_gpus()
    yield find_disk(workspace)
    yield from find_packages()
    yield find_search()
    yield find_compiled()
    yield from find_models()
    yield find_sample()
    yield from find_endpoints()


def find_gpus() -> Iterator[Finding]:
    """Cards that NVIDIA's tool names."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        yield Finding("gpu", "note", "none found; the embedded preset needs none")
        return
    query = [tool, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        listed = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        yield Finding("gpu", "note", f"nvidia-smi does not answer ({type(error).__name__})")
        return
    for line in listed.strip().splitlines():
        yield Finding("gpu", "ok", line.strip())


def find_disk(workspace: Path) -> Finding:
    """Free space where the workspace is or would be, and whether it can be written."""
    place = workspace.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if not os.access(place, os.W_OK):
        return Finding("disk", "missing", f"{place} cannot be written", "choose another --workspace")
    state: State = "note" if free < LOW_DISK_BYTES else "ok"
    remedy = "a workspace holds its frames twice: free some space" if state == "note" else ""
    return Finding("disk", state, f"{free / 1e9:.1f} GB free at {place}", remedy)


def find_packages() -> Iterator[Finding]:
    """Packages that every build needs, and extras."""
    for name in PACKAGES:
        try:
            yield Finding("package", "ok", f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            yield Finding("package", "missing", name, "pip install storyreasoning")
    for extra, (module, what) in EXTRAS.items():
        if importlib.util.find_spec(module) is None:
            yield Finding(
                "extra", "note", f"{extra} is not installed ({what})", f"pip install 'storyreasoning[{extra}]'"
            )
        else:
            yield Finding("extra", "ok", f"{extra} ({what})")


def find_search() -> Finding:
    """Which build of FAISS searches for neighbours, and on what."""
    from tasks.runtime.cards import visible_cards

    builds = sorted(set(importlib.metadata.packages_distributions().get("faiss", [])))
    if not builds:
        return Finding("search", "missing", "faiss-cpu", "pip install storyreasoning")
    known = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in builds)
    try:
        faiss = importlib.import_module("faiss")
        cards = int(faiss.get_num_gpus())
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        told = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return Finding(
            "search", "missing", f"{known} cannot be loaded ({told})", f"pip install --force-reinstall {builds[0]}"
        )
    if len(builds) > 1:
        remedy = f"pip uninstall {' '.join(builds)}, then install one of them"
        return Finding("search", "note", f"{known} lie over each other", remedy)
    if cards:
        return Finding("search", "ok", f"{known} on {cards} GPU{'s' * (cards > 1)}")
    if not hasattr(faiss, "StandardGpuResources"):
        remedy = "docs/production-models.md says how to search on it" if visible_cards() else ""
        return Finding("search", "note" if remedy else "ok", f"{known} on the CPU", remedy)
    return Finding("search", "note", f"{known} is a build for GPUs and sees none: it searches on the CPU")


def find_compiled() -> Finding:
    """Whether images are resized by compiled code."""
    from tasks.models import compiled

    remedy = "" if compiled.pixels else "with a C compiler and Python's headers, install the project again"
    return Finding("compiled", "note" if remedy else "ok", compiled.STATE, remedy)


def find_models() -> Iterator[Finding]:
    """Weights that ship, checked against their digests."""
    from tasks.models.weights import locate_weights, read_model_list

    try:
        records = read_model_list()
    except ModelError as error:
        yield Finding("model", "missing", str(error))
        return
    for record in records:
        try:
            locate_weights(record).verify()
            yield Finding(
                "model", "ok", f"{record.name} sha256 {record.sha256[:16]} ({record.stage.replace('_', ' ')})"
            )
        except ModelError as error:
            yield Finding("model", "missing", str(error))


def find_sample() -> Finding:
    """The sample film."""
    frames = len(list(SAMPLE_FILM.rglob("*.jpg")))
    if not frames:
        return Finding("sample", "missing", f"no frames in {SAMPLE_FILM}", "check out data/sample_film again")
    return Finding("sample", "ok", f"{frames} frames in {SAMPLE_FILM}")


def find_endpoints() -> Iterator[Finding]:
    """Services that the environment names; secrets are only said to be there or not."""
    for variable, what in (("PREFECT_API_URL", "Prefect server"), ("OPENAI_BASE_URL", "language model")):
        url = os.environ.get(variable)
        if url is None:
            yield Finding("endpoint", "note", f"{variable} is not set ({what}); not needed by the embedded preset")
        else:
            yield probe_endpoint(variable, url)
    for variable, what in (("OPENAI_API_KEY", "language model"), ("HF_TOKEN", "publishing to the Hub")):
        state = "set" if os.environ.get(variable) else "not set"
        yield Finding("secret", "note" if state == "not set" else "ok", f"{variable} is {state} ({what})")


def probe_endpoint(variable: str, url: str) -> Finding:
    """Whether something answers at the host and port of a URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        host, port = None, 0
    if host is None or parts.scheme not in ("http", "https"):
        return Finding("endpoint", "note", f"{variable} is no http(s) URL", f"set {variable} to http://host:port/...")
    place = f"{host}:{port}"
    try:
        with socket.create_connection((host, port), timeout=_TIMEOUT_S):
            return Finding("endpoint", "ok", f"{variable}: {place} answers")
    except OSError as error:
        return Finding(
            "endpoint", "note", f"{variable}: {place} does not answer ({error})", "start it, or unset the variable"
        )
