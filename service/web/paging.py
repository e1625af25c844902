"""Split the irritants of a long page into parts of fifty."""

from collections.abc import Callable, Sequence
from typing import Annotated, Final, Generic, NamedTuple, TypeVar

from pydantic import Field

from service.api.parameters import AsOfQuery
from service.domain.assertion import MemberId

PART_SIZE: Final = 50
Item = TypeVar("Item")


class PagedQuery(AsOfQuery):
    """The parameters of a page in parts: the point in time, and the last irritant of the part before."""

    after: Annotated[MemberId | None, Field(description="the irritant that was seen last")] = None


class Part(NamedTuple, Generic[Item]):
    """A part of many items. `first` is the number of its first item, from 1. `next` is the `after` of the next part."""

    items: Sequence[Item]
    first: int
    total: int
    next: str | None

    @property
    def last(self) -> int:
        return self.first + len(self.items) - 1

    @property
    def is_all(self) -> bool:
        return len(self.items) == self.total


def part_of(items: Sequence[Item], after: str | None, id_of: Callable[[Item], str]) -> Part[Item]:
    """Return the part after the item with the id `after`. Return the first part if there is no such item."""
    ids = [id_of(item) for item in items]
    begin = ids.index(after) + 1 if after in ids else 0
    part = items[begin : begin + PART_SIZE]
    has_next = begin + len(part) < len(items)
    return Part(part, begin + 1, len(items), id_of(part[-1]) if has_next else None)
