"""Find the names of actors at any position of the record.

A past reading uses the names that were known at its position, so that it never changes.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

from service.domain.actor.names import NO_NAMES, ActorNames
from service.domain.actor.state import Actor
from service.domain.assertion import Recorded
from service.domain.history import History
from service.domain.streams import history_of

KIND: Final = "actor"


class Naming:
    """The names of actors at all positions. Immutable. `events`: all events of actor streams, by position."""

    def __init__(self, events: Iterable[Recorded] = ()) -> None:
        self.events: Sequence[Recorded] = tuple(events)
        self._positions = [event.position for event in self.events]
        self._latest = self._names(self.events)
        # The names after some of the events, with the number of these events.
        self._earlier: tuple[int, ActorNames] = (0, NO_NAMES)

    @property
    def position(self) -> int:
        """The position of the last event that named an actor, 0 without such an event."""
        return self._latest.position

    def as_of(self, position: int) -> ActorNames:
        """Return the names as known at a position."""
        if position >= self._latest.position:
            return self._latest
        count = bisect_right(self._positions, position)
        earlier = self._earlier
        if earlier[0] != count:
            # Cached, because a replay asks for one position after another.
            self._earlier = earlier = count, self._names(self.events[:count])
        return earlier[1]

    def then(self, recorded: Iterable[Recorded]) -> "Naming":
        """Return the names after further events. Ignore events of streams of other kinds."""
        of_actors = [event for event in recorded if is_of_an_actor(event.stream)]
        return Naming((*self.events, *of_actors)) if of_actors else self

    @staticmethod
    def _names(events: Sequence[Recorded]) -> ActorNames:
        """Fold the events of each actor and return the first name of each."""
        if not events:
            return NO_NAMES
        by_stream: dict[str, list[Recorded]] = {}
        for event in events:
            by_stream.setdefault(event.stream, []).append(event)
        first_names: dict[str, str] = {}
        for stream, events_of_actor in by_stream.items():
            history: History[Actor] = history_of(stream, events_of_actor)
            if history.state.names:
                first_names[history.state.actor] = history.state.names[0]
        return ActorNames(events[-1].position, first_names)


UNNAMED: Final = Naming()


def is_of_an_actor(stream: str) -> bool:
    """Return whether this is the stream of an actor."""
    return stream.startswith(f"{KIND}/")
