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
    """Whether the next record is complete."""

    def prepare(self) -> None:
        """Make the next record, unless there is one. The present one is not touched.

        Raises BadSeeds and DatabaseUnavailable.
        """
        if self._has_next:
            return
        self.databases.create_next()
        engine = open_engine(self.databases.next_address, connections=2)
        try:
            seed(engine, self.seeds)
        finally:
            engine.dispose()
        self._has_next = True

    def swap(self) -> None:
        """Put the next record in the place of the present one. Raises DatabaseUnavailable."""
        self._has_next = False
        self.databases.swap()

    def clean(self) -> None:
        """Remove the record that was replaced, and make the next one. Raises BadSeeds and DatabaseUnavailable."""
        self.databases.drop_former()
        self.prepare()
