"""Check, before events are recorded, that all processes of the record can read them (see `store.releases`)."""

from collections.abc import Iterable
from time import monotonic
from typing import Final

from sqlalchemy import Connection

from service.domain.assertion import Recorded
from service.domain.vocabulary import Needs, version_of
from service.store.releases import EarlierReleaseRuns, sessions_of_older

_SECONDS: Final = 0.5


class Readers:
    """Ask the database which releases run, at most twice a second, and only for events that 0.2.0 could not read.

    `number` is the number of a vocabulary (see `domain.vocabulary`); 1 is that of 0.2.0.
    """

    def __init__(self) -> None:
        self._number, self._sessions, self._until = 0, tuple[int, ...](), 0.0

    def require(self, c: Connection, events: Iterable[Recorded]) -> None:
        """Refuse events that a process of an earlier release could not read. Raises EarlierReleaseRuns."""
        needs = Needs()
        for event in events:
            needs.add(event.stream, event.type, version_of(event.data))
            if event.rank:
                needs.add_label()
        if needs.number == 1:
            return
        if needs.number != self._number or monotonic() >= self._until:
            self._sessions = sessions_of_older(c, needs.number)
            self._number, self._until = needs.number, monotonic() + _SECONDS
        if self._sessions:
            raise EarlierReleaseRuns(needs, self._sessions)
