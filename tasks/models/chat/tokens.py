"""How many tokens a request comes to, before anyone has counted them.

Text: a quarter of its UTF-8 bytes, or half for the worst case. A picture: the larger of what OpenAI counts (85 and 170 for each
tile of 512 pixels, after fitting it into 2048 and its shorter side into 768) and what Qwen-VL counts (one for each 28 x 28
pixels). A message: 8 for its frame.
"""

import json
import struct

from schemas.chat import ChatRequest, Picture

_UNKNOWN_PICTURE = 1600
"""Tokens of a picture whose size cannot be read: as many as one of 1120 x 1120 pixels."""


def estimate_tokens(request: ChatRequest, worst: bool = False) -> int:
    """Tokens of the input; the worst case is meant never to be exceeded."""
    held = json.dumps(request.schema) if request.schema is not None else ""
    size = len(request.system.encode()) + len(held.encode())
    pictures = 0
    for turn in request.turns:
        for part in turn.parts:
            if isinstance(part, str):
                size += len(part.encode())
            else:
                pictures += picture_tokens(part)
    return -(-size // (2 if worst else 4)) + pictures + 8 * (len(request.turns) + 1)


def picture_tokens(picture: Picture) -> int:
    """Tokens of one picture."""
    size = picture_size(picture.data)
    return count_picture_tokens(*size) if size else _UNKNOWN_PICTURE


def count_picture_tokens(width: int, height: int) -> int:
    """Tokens of a picture of so many pixels."""
    shrink = min(1.0, 2048 / max(width, height))
    shrink *= min(1.0, 768 / max(1.0, min(width, height) * shrink))
    tiles = -(-int(width * shrink) // 512) * -(-int(height * shrink) // 512)
    return max(85 + 170 * tiles, -(-width // 28) * -(-height // 28))


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Width and height from the head of a JPEG, PNG or WebP, without decoding it; None for what is none of these."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    if data[:2] == b"\xff\xd8":
        return _jpeg_size(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp_size(data)
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 if marker == 0x01 or 0xD0 <= marker <= 0xD8 else 2 + int.from_bytes(data[at + 2 : at + 4])
    return None


def _webp_size(data: bytes) -> tuple[int, int] | None:
    if len(data) < 30:
        return None
    match data[12:16]:
        case b"VP8 ":
            width, height = struct.unpack("<HH", data[26:30])
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return None
