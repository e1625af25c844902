"""Content codings: the one that a request accepts, and gzip (RFC 9110, section 12.5.3).

Only documents that are the same for many requests are compressed, once for all of them. Event streams are not, because
a proxy or a client would buffer events. Problems, receipts and pages with forms are not either: they contain input of
the sender next to secrets, and the compressed size would reveal a secret (BREACH).
"""

import asyncio
import gzip
from functools import lru_cache
from typing import Final

GZIP: Final = "gzip"
GZIP_ALONE: Final = "gzip alone"
"""The sender refuses uncompressed bodies, so small ones are compressed too."""
MIN_SIZE: Final = 1_000
"""In bytes. A smaller body fits into one packet without compression."""
_LEVEL: Final = 6
_INLINE: Final = 1 << 15
"""Bytes to compress without a thread. This takes about a millisecond, in which other requests wait."""
_EQUIVALENT: Final = {"x-gzip": GZIP}


@lru_cache(maxsize=100)  # clients send few values, and a value has at most the 64 KiB of a head
def preferred(accept_encoding: bytes) -> str:
    """Return GZIP, GZIP_ALONE, or "" for no coding.

    A request without the header, or with an empty one, gets no coding. A request that refuses both gets the
    uncompressed body instead of an error.
    """
    elements = (weighed(element) for element in accept_encoding.decode("latin-1").split(",") if element.strip())
    weights = {_EQUIVALENT.get(coding, coding): weight for coding, weight in elements}
    others = weights.get("*", 0.0)
    ours, identity = weights.get(GZIP, others), weights.get("identity", weights.get("*"))
    if not ours:
        return ""
    if identity is None or ours >= identity > 0:
        return GZIP
    return "" if identity else GZIP_ALONE


def weighed(element: str) -> tuple[str, float]:
    """Return the value and the weight (q) of an element of `Accept` or `Accept-Encoding`. An invalid weight is 0."""
    value, *parameters = (part.strip().lower() for part in element.split(";"))
    for parameter in parameters:
        name, _, weight = parameter.partition("=")
        if name.strip() == "q":
            try:
                return value, min(max(float(weight), 0.0), 1.0)
            except ValueError:
                return value, 0.0
    return value, 1.0


async def compressed(body: bytes) -> bytes:
    """Return the body, compressed. A large one is compressed in a thread."""
    if len(body) <= _INLINE:
        return _compressed(body)
    return await asyncio.to_thread(_compressed, body)


def _compressed(body: bytes) -> bytes:
    return gzip.compress(body, _LEVEL, mtime=0)
