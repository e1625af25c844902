"""Choose the content coding of a response from `Accept-Encoding`, and compress with gzip (RFC 9110, section 12.5.3).

Cached documents are compressed once for all requests. Not compressed are:

* event streams, because a proxy or a client would hold events back until a block is full
* problems, receipts and pages with forms, because they have input of the sender next to secrets, and the compressed
  size would reveal a secret (the BREACH attack)
"""

import asyncio
import gzip
from functools import lru_cache
from typing import Final

GZIP: Final = "gzip"
GZIP_ALONE: Final = "gzip alone"
"""The sender accepts only gzip, so even small bodies are compressed."""
MIN_SIZE: Final = 1_000
"""Bodies with fewer bytes are not compressed: they fit into one packet."""
_LEVEL: Final = 6
_INLINE: Final = 1 << 15
"""Bodies up to this number of bytes are compressed in the event loop, in about a millisecond."""
_EQUIVALENT: Final = {"x-gzip": GZIP}


@lru_cache(maxsize=100)  # clients send few different values
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
    """Split an element of `Accept` or `Accept-Encoding` into its value and its weight.

    `text/html;q=0.8` gives ("text/html", 0.8). Without `q` the weight is 1. An invalid weight counts as 0.
    """
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
    """Return the body in gzip. A large body is compressed in a thread."""
    if len(body) <= _INLINE:
        return _compressed(body)
    return await asyncio.to_thread(_compressed, body)


def _compressed(body: bytes) -> bytes:
    return gzip.compress(body, _LEVEL, mtime=0)
