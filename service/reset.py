"""Set the record of test mode back to its fixtures: make a new record from them, and put it in the place of the old."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from service.seeding import Seed, seed
from service.store.engine import open_engine
from service.store.replacement import Databases


@dataclass
class Resettable:
    """The record at `databases.address`, and the reports that each new record begins with.

    `service.api.reset` calls the steps one after the other, each in a thread.
    """

    databases: Databases
    seeds: Sequence[Seed]
    _has_next: bool = field(default=False, init=False)
    """Whether the next record exists, without events."""

    def prepare(self) -> None:
        """Make the next record. The present one is not touched. Raises BadSeeds and DatabaseUnavailable."""
        if not self._has_next:
            self.databases.create_next()
        self._has_next = False
        engine = open_engine(self.databases.next_address, connections=2)
        try:
            seed(engine, self.seeds)
        finally:
            engine.dispose()

    def swap(self) -> None:
        """Put the next record in the place of the present one. Raises DatabaseUnavailable."""
        self.databases.swap()

    def clean(self) -> None:
        """Remove the record that was replaced, and create the one after, which takes as long as filing the seeds.

        Raises DatabaseUnavailable.
        """
        self.databases.drop_former()
        self.databases.create_next()
        self._has_next = True
