"""Sources that are open in this process, so that shards share them: a walk or a list of names is made once, not a shard."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping

from schemas.config import VideoConfig
from schemas.errors import SampleError
from tasks.sources.source import Source, open_source
from tasks.sources.tree import Read

_MOST_OPEN = 4

_lock = threading.Lock()
_open: "OrderedDict[tuple[str, str], Source]" = OrderedDict()


def share_source(text: str, video: VideoConfig, source: Source | None = None) -> Source:
    """The open source of a name; ``source`` takes the place of one that is open."""
    name = (text, video.model_dump_json())
    with _lock:
        found = source or _open.get(name) or open_source(text, video=video)
        _open[name] = found
        _open.move_to_end(name)
        while len(_open) > _MOST_OPEN:
            _open.popitem(last=False)
        return found


def shared_reader(text: str, video: VideoConfig, hashes: Mapping[str, str]) -> Read:
    """Gives the bytes of the items of ``hashes``, each once, from the source that this process shares.

    Where an item is not what its hash says, or is not there, the source is opened anew once: it may have changed since this
    process has opened it. What the item is then is given, right or wrong.
    """
    lock = threading.Lock()
    first = share_source(text, video).reader(list(hashes))
    second: Read | None = None

    def opened_anew() -> Read:
        nonlocal second
        with lock:
            if second is None:
                second = share_source(text, video, open_source(text, video=video)).reader(list(hashes))
            return second

    def read(item: str) -> bytes:
        if second is None:
            try:
                content = first(item)
                if not hashes[item] or hashlib.sha256(content).hexdigest() == hashes[item]:
                    return content
            except SampleError:
                if not hashes[item]:
                    raise
        return opened_anew()(item)

    return read
