"""A JPEG without what does not belong to its pixels (ITU-T T.81, annex B), its compressed data untouched."""

_START, _APP, _COMMENT, _SCAN = 0xD8, range(0xE0, 0xF0), 0xFE, 0xDA
_PIXELS = (0xE0, 0xEE)
"""JFIF, and Adobe's note on how colours are coded: the two application segments that decoders need."""
_USUAL_FRAMES = (0xC0, 0xC1, 0xC2)
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


def without_metadata(data: bytes) -> bytes | None:
    """The same picture without camera data, places, thumbnails, profiles and comments.

    Returns:
        None for what is no JPEG of one or three colours, in the usual coding, whose head can be followed to its end.
    """
    if data[:2] != bytes((0xFF, _START)):
        return None
    kept = [data[:2]]
    at, usual = 2, False
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        length = int.from_bytes(data[at + 2 : at + 4])
        if length < 2 or at + 2 + length > len(data):
            return None
        if marker in _FRAMES:
            usual = marker in _USUAL_FRAMES and length >= 8 and data[at + 9] in (1, 3)
        if marker == _SCAN:
            return b"".join([*kept, data[at:]]) if usual else None
        if marker in _PIXELS or (marker not in _APP and marker != _COMMENT):
            kept.append(data[at : at + 2 + length])
        at += 2 + length
    return None
