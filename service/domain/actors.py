"""Define who can be an actor, and how an actor counts in a relation.

States, the EU, the UN and Kosovo have a code (`RU`), registered organisations a slug (`iaea`). `MEDIA` stands for all
media, `JOINT` for one text by both parties. In a relation an actor is a *side* (one of the two parties), a *third
party* (another state or organisation) or *media*. A joint text counts as an assertion by each side.
"""

import re
from typing import Final, Literal

from service.domain.countries import ALPHA_2, USER_ASSIGNED

Voice = Literal["side", "third_party", "media"]

CODES: Final = ALPHA_2 | {"EU", "UN", "XK"} | USER_ASSIGNED
"""The codes of ISO 3166-1, with EU and UN, which it reserves, XK, which is in use for Kosovo, and those for tests."""
JOINT: Final = "JOINT"
MEDIA: Final = "MEDIA"
BOTH: Final = "both"
_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_RESERVED: Final = frozenset({"both", "joint", "media", "none"})


def is_registered_name(name: str) -> bool:
    """Return whether a registered actor can have this slug, such as `iaea`. Two letters would look like a code."""
    return 2 < len(name) <= 80 and name not in _RESERVED and _SLUG.fullmatch(name) is not None


def is_actor(name: str) -> bool:
    """Return whether this is the code of an actor, or can be the slug of one. The slug may not be registered."""
    return name in CODES or is_registered_name(name)


def holders(parties: tuple[str, str], asserter: str) -> tuple[str, ...]:
    """Return the actors whose assertion this is: both parties for a joint text, else the asserter."""
    return parties if asserter == JOINT else (asserter,)


def voice_of(parties: tuple[str, str], actor: str) -> Voice:
    """Return how an actor counts in the relation of these parties."""
    return "side" if actor in parties else "media" if actor == MEDIA else "third_party"


def other(parties: tuple[str, str], party: str) -> str:
    """Return the other party of the relation."""
    return parties[1] if party == parties[0] else parties[0]
