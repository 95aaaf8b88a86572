"""Whether what lies on the Hub is what was to be published."""

import json
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

from schemas.errors import PublishError
from tasks.publishing.hub import Head, differing
from tasks.publishing.release import Release, ReleaseFile

_CONFIGS = ("default", "grounding")


def verify_tree(head: Head, files: Sequence[ReleaseFile], keep: Collection[str]) -> None:
    """Hold every file at a commit against size and digest.

    Raises:
        PublishError: one is missing, different, or too many.
    """
    wrong = [file.path for file in differing(files, head.tree)]
    wrong += sorted(set(head.tree) - {file.path for file in files} - set(keep))
    if wrong:
        raise PublishError(f"commit {head.commit} does not hold what was sent ({wrong[0]}): publish again")


def verify_loading(repo_id: str, commit: str, release: Release, token: str | None) -> None:
    """Open every config and split that has rows with ``load_dataset`` at a commit, and hold its first row against the file.

    The rest of the rows is in files whose digests were verified, so they are not fetched.

    Raises:
        PublishError: it does not load, or the row is another.
    """
    import datasets

    places = {file.path: file.place for file in release.files if file.place is not None}
    with tempfile.TemporaryDirectory() as cache:
        for config in _CONFIGS:
            for split, count in release.record.stories.items():
                if not count:
                    continue
                name = f"{config}, split {split}"
                try:
                    rows = datasets.load_dataset(
                        repo_id, config, split=split, revision=commit, streaming=True, token=token, cache_dir=cache
                    )
                    if config == "default":
                        rows = rows.cast_column("images", datasets.List(datasets.Image(decode=False)))
                    found = next(iter(rows))
                except Exception as error:  # whatever stops the library stops readers
                    told = " ".join(str(error).split())[:200] or type(error).__name__
                    raise PublishError(f"load_dataset cannot read {name}: {told}") from error
                paths = sorted(path for path in places if path.startswith(f"{config}/{split}-"))
                if _key(found) != _key(_first_row(places[paths[0]])):
                    raise PublishError(f"load_dataset reads another first row of {name} than was published")


def _first_row(path: Path | None) -> dict[str, object]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, pre_buffer=False) as file:
        row: dict[str, object] = next(file.iter_batches(1)).to_pylist()[0]
        return row


def _key(row: dict[str, object]) -> str:
    return json.dumps(row, sort_keys=True, default=lambda value: bytes(value).hex())
