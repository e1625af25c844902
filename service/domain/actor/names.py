"""Hold the names of actors as known at one position of the record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True, eq=False)
class ActorNames:
    """The first registered name of each actor, by its code or slug.

    `position`: the position of the last event that registered or corrected a name, 0 without such an event.
    """

    position: int = 0
    registered: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


NO_NAMES: Final = ActorNames()
"""The names of a record that registers no actor. Countries then have the names of CLDR."""
