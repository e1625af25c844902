"""Old payloads become today's, one version at a time. Upcasters are added, never edited.

What was stored is never rewritten: the chain seals it. So every version ever shipped keeps a golden payload in
`tests/golden/`, and a reader only ever meets the newest.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

Payload = dict[str, Any]
Upcaster = Callable[[Payload], Payload]

UPCASTERS: Final[Mapping[tuple[str, int], Upcaster]] = {}
"""By type and the version that the upcaster reads; it gives the next."""


class NoUpcaster(LookupError):
    """A payload is in a version from which no way leads to the one that this release reads."""


def upcast(
    type: str, version: int, payload: Payload, *, newest: int, upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS
) -> Payload:
    """The payload in the `newest` version. A version that is newer still was written by a later release: refused."""
    if version > newest:
        raise NoUpcaster(f"{type} version {version} is newer than this release, which reads up to version {newest}")
    for step in range(version, newest):
        if (type, step) not in upcasters:
            raise NoUpcaster(f"{type} version {step} has no upcaster")
        payload = upcasters[type, step](payload)
    return payload
