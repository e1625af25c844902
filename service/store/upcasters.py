"""Convert old payloads to the newest schema version, one version at a time. Upcasters are added, never edited.

Stored payloads are never rewritten, because the chain covers them. So `tests/golden/` keeps a payload of each version
that was released. All other code sees only the newest version.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

Payload = dict[str, Any]
Upcaster = Callable[[Payload], Payload]


def _as_it_is(payload: Payload) -> Payload:
    """The next version has further optional fields: what was filed before them says nothing there."""
    return payload


UPCASTERS: Final[Mapping[tuple[str, int], Upcaster]] = {
    ("HoldPlaced", 1): _as_it_is,  # `by` may be absent since
    ("ImplementationReported", 1): _as_it_is,
    ("InstrumentExchanged", 1): _as_it_is,
    ("NextStepAgreed", 1): _as_it_is,
    ("ProposalTabled", 1): _as_it_is,
    ("ResolutionDeclared", 1): _as_it_is,
    ("SourceRegistered", 1): _as_it_is,
    ("UnderstandingReported", 1): _as_it_is,
}
"""By type and the version that the upcaster reads; it gives the next."""


class NoUpcaster(LookupError):
    """No chain of upcasters leads from the version of a payload to the one that this release reads."""


def upcast(
    type: str, version: int, payload: Payload, *, newest: int, upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS
) -> Payload:
    """Return the payload in the `newest` version. Raises NoUpcaster, also for the version of a later release."""
    if version > newest:
        raise NoUpcaster(f"{type} version {version} is newer than this release, which reads up to version {newest}")
    for step in range(version, newest):
        if (type, step) not in upcasters:
            raise NoUpcaster(f"{type} version {step} has no upcaster")
        payload = upcasters[type, step](payload)
    return payload
