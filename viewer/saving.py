"""A live result on disk: a Parquet file in the layout of StoryReasoning and a JSON file with how it was made.

Both lie in ``live/`` of the workspace. The Parquet file comes last and makes the story stand; neither is ever half-written.
"""

import io
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schemas.errors import ConfigError
from viewer.places import SAVED
from viewer.uploads import Upload

_NAME = re.compile(r"[^A-Za-z0-9]+")


def save_result(
    workspace: Path | None, title: str, thoughts: str, story: str, uploads: Sequence[Upload], made: Mapping[str, Any]
) -> str:
    """Write a result; returns its story id.

    Raises:
        ConfigError: no workspace is open, or there is nothing to save.
        WorkspaceError: the disk is full or the place cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from schemas.arrow import STORYREASONING
    from tasks.runtime.atomic import write_bytes, write_json
    from tasks.runtime.keys import content_key

    if workspace is None:
        raise ConfigError("no workspace is open to save into: start with 'storyreasoning view WORKSPACE'")
    if not (thoughts.strip() or story.strip()):
        raise ConfigError("there is nothing to save yet: make a story first")
    now = datetime.now(UTC)
    digest = content_key([thoughts, story, [one.name for one in uploads], now.isoformat()])[:6]
    words = _NAME.sub("-", title).strip("-").lower()[:32].strip("-")
    story_id = "-".join(filter(None, ["live", now.strftime("%Y%m%d-%H%M%S"), words, digest]))
    row = {
        "story_id": story_id,
        "images": [
            {"bytes": one.content, "path": f"{story_id}_{number:02d}.{one.suffix}"}
            for number, one in enumerate(uploads, start=1)
        ],
        "frame_count": len(uploads),
        "chain_of_thought": thoughts,
        "story": story,
    }
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([row], schema=STORYREASONING), buffer, compression="zstd")
    folder = workspace / SAVED
    write_json(folder / f"{story_id}.json", {"story_id": story_id, "title": title, "saved": now.isoformat(), **made})
    write_bytes(folder / f"{story_id}.parquet", buffer.getvalue())
    return story_id
