"""The ledger as a Parquet file, for reading."""

from dataclasses import asdict
from itertools import islice
from pathlib import Path

from schemas.arrow import CALLS
from tasks.runtime.atomic import atomic_path
from tasks.runtime.ledger import read_calls

_ROWS = 1000


def write_ledger_table(folder: Path, target: Path) -> int:
    """Write all calls of a ledger to ``target`` and return how many; a ledger without calls has no file.

    Raises:
        WorkspaceError: the ledger cannot be read or the file not written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    calls = read_calls(folder)
    batch = list(islice(calls, _ROWS))
    if not batch:
        return 0
    written = 0
    with atomic_path(target) as temporary, pq.ParquetWriter(temporary, CALLS) as writer:
        while batch:
            writer.write_table(pa.Table.from_pylist([asdict(call) for call in batch], schema=CALLS))
            written += len(batch)
            batch = list(islice(calls, _ROWS))
    return written
