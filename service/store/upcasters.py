"""Convert payloads of old versions of an event type to the newest version, one version at a time.

Stored payloads are never changed, because the chain hash depends on them. They are converted when they are read, so all
other code sees only the newest version. Add upcasters, but never edit one. `tests/golden/` has a payload of each
version.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from service.domain import vocabulary

Payload = dict[str, Any]
Upcaster = Callable[[Payload], Payload]


def _as_it_is(payload: Payload) -> Payload:
    """Return the payload unchanged. The next version only adds optional fields or values."""
    return payload


UPCASTERS: Final[Mapping[tuple[str, int], Upcaster]] = {(type, 1): _as_it_is for type in vocabulary.HIGHER}
"""The upcaster from each version of a type to the next version."""


def _reads_unchanged(type: str, version: int) -> bool:
    """Return whether no upcaster from this version to the newest one changes the payload."""
    while (upcaster := UPCASTERS.get((type, version))) is _as_it_is:
        version += 1
    return upcaster is None


UNCHANGED: Final = frozenset(old for old in UPCASTERS if _reads_unchanged(*old))
"""Types and versions whose payload is the same in the newest version. They are read as they are, without upcasting."""


class NoUpcaster(LookupError):
    """There is no upcaster from the version of a payload to the one that this release reads."""


def upcast(
    type: str, version: int, payload: Payload, *, newest: int, upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS
) -> Payload:
    """Return the payload in the `newest` version. Raises NoUpcaster, for example for a version of a later release."""
    if version > newest:
        raise NoUpcaster(f"{type} version {version} is newer than this release, which reads up to version {newest}")
    for old in range(version, newest):
        if (type, old) not in upcasters:
            raise NoUpcaster(f"{type} version {old} has no upcaster")
        payload = upcasters[type, old](payload)
    return payload
