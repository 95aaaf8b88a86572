"""Frames from Parquet or Arrow files in the GroundCap layout: a text ``id`` and an ``image`` of bytes a row."""

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import SampleError, SourceError
from tasks.sources.source import SourceItem


def download_dataset(repo_id: str) -> list[Path]:
    """Fetch the Parquet files of a Hub dataset into the Hub's own cache; files that are there are not fetched again.

    Raises:
        SourceError: no such dataset, no permission, no network, or no Parquet in it.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        folder = Path(snapshot_download(repo_id, repo_type="dataset", allow_patterns=["*.parquet", "**/*.parquet"]))
    except (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as error:
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise SourceError(
            f"{repo_id} is no local path and cannot be fetched from the Hub ({first_line}): check the name, the network, HF_TOKEN"
        ) from error
    files = sorted(folder.rglob("*.parquet"))
    if not files:
        raise SourceError(f"the Hub dataset {repo_id} holds no Parquet files: give one in the GroundCap layout")
    return files


class TableSource:
    """Rows of Parquet (or Arrow stream) files; a row's address is ``<file number>:<row group>:<row>``."""

    names_hold_film = True

    def __init__(self, files: list[Path], title: str) -> None:
        """Read these files, in this order."""
        self._files = files
        self.title = title
        self._ignored: dict[str, int] = {}
        self._group = lru_cache(maxsize=2)(self._read_group)

    def ignored(self) -> dict[str, int]:
        """Nothing is passed over: every row is a frame."""
        return {}

    def scan(self) -> Iterator[SourceItem]:
        """Every row, its image hashed.

        Raises:
            SourceError: a file is damaged, or its columns are not those of GroundCap.
        """
        found = False
        for number, path in enumerate(self._files):
            for group in range(self._groups(path)):
                for row, (name, image) in enumerate(self._rows(number, group)):
                    found = True
                    digest = hashlib.sha256(image).hexdigest() if image is not None else ""
                    yield SourceItem(f"{number}:{group}:{row}", name, "", "", digest, len(image or b""))
        if not found:
            raise SourceError(f"{self._files[0]} holds no rows: give a dataset with frames")

    def read(self, item: str) -> bytes:
        """The image bytes of a row.

        Raises:
            SampleError: the row has none, or its file has changed.
        """
        number, group, row = (int(part) for part in item.split(":"))
        try:
            image = self._group(number, group)[row][1]
        except (SourceError, IndexError) as error:
            raise SampleError(f"row {item}: {error}") from error
        if image is None:
            raise SampleError(f"row {item} has no image bytes, only a path: embed the images in the file")
        return image

    def _rows(self, number: int, group: int) -> Iterator[tuple[str, bytes | None]]:
        yield from self._read_group(number, group)

    def _groups(self, path: Path) -> int:
        try:
            if path.suffix.lower() == ".arrow":
                return 1
            with pq.ParquetFile(path) as file:
                _check_columns(file.schema_arrow, path)
                return int(file.num_row_groups)
        except (OSError, pa.ArrowException) as error:
            raise SourceError(f"{path} cannot be read as Parquet ({error})") from error

    def _read_group(self, number: int, group: int) -> list[tuple[str, bytes | None]]:
        path = self._files[number]
        try:
            if path.suffix.lower() == ".arrow":
                with pa.memory_map(str(path)) as mapped:
                    table = pa.ipc.open_stream(mapped).read_all()
                _check_columns(table.schema, path)
                table = table.select(["id", "image"])
            else:
                with pq.ParquetFile(path) as file:
                    table = file.read_row_group(group, columns=["id", "image"])
        except (OSError, pa.ArrowException) as error:
            raise SourceError(f"{path} cannot be read ({error})") from error
        names = table.column("id").to_pylist()
        images = table.column("image").combine_chunks().field("bytes").to_pylist()
        return [(str(name), image) for name, image in zip(names, images, strict=True)]


def _check_columns(schema: pa.Schema, path: Path) -> None:
    image = schema.field("image").type if "image" in schema.names else None
    if "id" not in schema.names or image is None or not pa.types.is_struct(image) or image.get_field_index("bytes") < 0:
        raise SourceError(
            f"{path.name} is not in the GroundCap layout: it needs columns 'id' and 'image' (with bytes), it has "
            + ", ".join(schema.names)
        )
