"""The viewer on a dataset of the size of StoryReasoning: how soon its first page is there, and its memory while paging.

``python -m tests.perf.viewer [--stories 4178]`` writes such a dataset (4.9k to 25k characters a text, 13 frames of about 15 kB a
story), starts ``storyreasoning view`` on it, and prints, all from this run:
  start        from the command to the printed address
  first page   the first page and its 24 thumbnails over six connections, as a browser asks (aim: under 1 s); the stories are
               being read in the background meanwhile
  search       a search of all texts
  open         one story with all its frames, the median of 20 from all over the dataset
  memory       resident memory of the server after the first page and after every page, and that of a server of a dataset a
               quarter as large (aim: their ratio near 1)
"""

import argparse
import http.client
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.arrow import GROUNDING, STORYREASONING
from schemas.chain_of_thought import render_chain_of_thought
from schemas.story import render_story
from schemas.text import ChainOfThought, ImageBlock, Story
from tests.viewer.datasets import NAMES, Sample, analysis, picture, telling

FRAMES = 13
STORIES = 4178
PAGE = 24
GROUP = 100
SYLLABLES = (
    "ba",
    "cor",
    "den",
    "fil",
    "gra",
    "hun",
    "jo",
    "kel",
    "lum",
    "mar",
    "nor",
    "pel",
    "ros",
    "sti",
    "tam",
    "vel",
)
"""Words are drawn from these, so that the texts compress about as real ones do and not to nothing."""


def filler(draw: random.Random, words: int) -> str:
    """Words that mean nothing."""
    return " ".join("".join(draw.choices(SYLLABLES, k=draw.randint(1, 3))) for _ in range(words))


def sample(number: int, pictures: list[bytes]) -> Sample:
    """A story of about the size of a published one."""
    names = (NAMES[number % 8], NAMES[(number + 3) % 8])
    draw = random.Random(number)
    tables = analysis(FRAMES, names)
    images = tuple(
        replace(image, characters=tuple(replace(row, description=filler(draw, 110)) for row in image.characters))
        for image in tables.images
    )
    told = telling(FRAMES, names, f"at pier {number}")
    blocks = tuple(ImageBlock(block.number, (*block.parts, " ", filler(draw, 70))) for block in told.blocks)
    return Sample(
        str(number),
        film=f"film {number % 77}",
        frames=FRAMES,
        names=names,
        images=tuple(pictures[(number + place) % len(pictures)] for place in range(FRAMES)),
        chain_of_thought=render_chain_of_thought(ChainOfThought(images, tables.narrative)),
        story=render_story(Story(blocks)),
    )


def write(folder: Path, stories: int) -> int:
    """A dataset; returns its bytes."""
    pictures = [picture(seed, noise=14) for seed in range(40)]
    (folder / "default").mkdir(parents=True)
    (folder / "grounding").mkdir()
    options = {"compression": {"story": "zstd", "chain_of_thought": "zstd"}, "use_dictionary": False}
    with (
        pq.ParquetWriter(folder / "default" / "train-0.parquet", STORYREASONING, **options) as default,
        pq.ParquetWriter(folder / "grounding" / "train-0.parquet", GROUNDING) as grounding,
    ):
        for first in range(0, stories, GROUP):
            samples = [sample(number, pictures) for number in range(first, min(first + GROUP, stories))]
            default.write_table(pa.Table.from_pylist([one.row() for one in samples], schema=STORYREASONING))
            grounding.write_table(pa.Table.from_pylist([one.grounding() for one in samples], schema=GROUNDING))
    return sum(path.stat().st_size for path in folder.rglob("*.parquet"))


@contextmanager
def serving(folder: Path) -> Iterator[tuple[int, int, float]]:
    """A viewer of a folder: its port, its process, the seconds until it told its address."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "cli.main", "view", str(folder), "--port", "0", "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
        assert found is not None, "the viewer did not start"
        yield int(found[1]), process.pid, time.perf_counter() - begun
    finally:
        process.terminate()
        process.wait(20)


def get(port: int, path: str) -> bytes:
    """The body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (path, answer.status, body[:200])
        return body
    finally:
        connection.close()


def get_page(port: int, number: int) -> None:
    """A page and its thumbnails."""
    page = json.loads(get(port, f"/api/stories?page={number}&size={PAGE}"))
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda story: get(port, f"/api/frames/{story['key']}/1?w=480"), page["stories"]))


def resident(pid: int) -> float:
    """Resident memory in MB."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def timed(port: int, path: str) -> float:
    """Seconds of a request."""
    begun = time.perf_counter()
    get(port, path)
    return time.perf_counter() - begun


def measure(folder: Path, stories: int) -> dict[str, float]:
    """Everything, on a server of its own."""
    pages = -(-stories // PAGE)
    with serving(folder) as (port, pid, start):
        begun = time.perf_counter()
        get_page(port, 1)
        first = time.perf_counter() - begun
        early = resident(pid)
        search = timed(port, "/api/stories?q=pier+number+7")
        opened = []
        for place in range(20):
            key = (place * 7919) % stories
            begun = time.perf_counter()
            story = json.loads(get(port, f"/api/stories/{key}"))
            for frame in story["frames"]:
                get(port, frame["src"])
            opened.append(time.perf_counter() - begun)
        deadline = time.monotonic() + 180
        while json.loads(get(port, "/api/stories?size=1"))["digested"] < stories and time.monotonic() < deadline:
            time.sleep(0.5)
        steps = []
        for number in range(1, pages + 1):
            get_page(port, number)
            if number % max(1, pages // 8) == 0:
                steps.append(resident(pid))
        return {
            "start": start,
            "first": first,
            "search": search,
            "open": statistics.median(opened),
            "early": early,
            "half": steps[len(steps) // 2],
            "late": steps[-1],
        }


def main() -> int:
    """Write, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stories", type=int, default=STORIES)
    stories = parser.parse_args().stories
    with tempfile.TemporaryDirectory() as scratch:
        large, small = Path(scratch) / "large", Path(scratch) / "small"
        size = write(large, stories)
        write(small, stories // 4)
        found, quarter = measure(large, stories), measure(small, stories // 4)
    print(f"{stories:,} stories, {size / 1e6:,.0f} MB")
    print(f"start        {found['start']:.2f} s")
    print(f"first page   {found['first']:.2f} s with {PAGE} thumbnails (aim under 1 s)")
    print(f"search       {found['search']:.2f} s")
    print(f"open         {found['open']:.3f} s a story with its {FRAMES} frames")
    print(f"memory       {found['early']:.0f} MB after the first page")
    print(f"             {found['half']:.0f} MB half way, {found['late']:.0f} MB after every page")
    ratio = found["late"] / quarter["late"]
    print(f"             {quarter['late']:.0f} MB with a quarter of the stories: ratio {ratio:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
