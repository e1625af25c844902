"""Who speaks or acts: states, the EU, the UN and Kosovo by a code, registered organisations by a slug, and media.

In a relation an actor counts as a *side* (one of its two parties), as a *third party* (any other state or organisation)
or as *media*. A text of both parties (`JOINT`) is the word of each of them.
"""

import re
from typing import Final, Literal

from service.domain.countries import ALPHA_2

Voice = Literal["side", "third_party", "media"]

CODES: Final = ALPHA_2 | {"EU", "UN", "XK"}
"""The codes of ISO 3166-1, with those it reserves for the EU and the UN, and the one in use for Kosovo."""
JOINT: Final = "JOINT"
MEDIA: Final = "MEDIA"
BOTH: Final = "both"
_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_RESERVED: Final = frozenset({"both", "joint", "media", "none"})


def is_registered_name(name: str) -> bool:
    """Whether this can be the slug of a registered actor, such as `iaea`; two letters would look like a code."""
    return 2 < len(name) <= 80 and name not in _RESERVED and _SLUG.fullmatch(name) is not None


def is_actor(name: str) -> bool:
    """Whether this is a code, or a slug as registered actors have it."""
    return name in CODES or is_registered_name(name)


def holders(parties: tuple[str, str], asserter: str) -> tuple[str, ...]:
    """Return whose word this is: that of both parties for a joint text, else the asserter's."""
    return parties if asserter == JOINT else (asserter,)


def voice_of(parties: tuple[str, str], actor: str) -> Voice:
    """Return how an actor counts in the relation of these parties."""
    return "side" if actor in parties else "media" if actor == MEDIA else "third_party"


def other(parties: tuple[str, str], party: str) -> str:
    """Return the other party of the relation."""
    return parties[1] if party == parties[0] else parties[0]
