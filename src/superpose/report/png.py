"""A picture as a data address, so that a heat map travels inside the page."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

__all__ = ["data_address"]


def data_address(pixels: NDArray[np.uint8]) -> str:
    """Write pixels as a PNG (W3C recommendation, 3rd edition: 8 bits, RGBA, no filter).

    Parameters
    ----------
    pixels : array [rows, columns, 4]
        Red, green, blue, opacity, 0 to 255; the first row is on top.

    Returns
    -------
    str
        "data:image/png;base64,..."

    Examples
    --------
    >>> import numpy as np
    >>> data_address(np.zeros((1, 1, 4), dtype=np.uint8))[:33]
    'data:image/png;base64,iVBORw0KGgo'
    """
    rows, columns, _ = pixels.shape
    header = struct.pack(">IIBBBBB", columns, rows, 8, 6, 0, 0, 0)
    lines = b"".join(b"\0" + row.tobytes() for row in np.ascontiguousarray(pixels))
    body = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines, 9)) + _chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + body).decode()


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
