"""Pages of what a page shows one of for each irritant, so that hundreds of irritants are no page of a megabyte."""

from collections.abc import Callable, Sequence
from typing import Annotated, Final, Generic, NamedTuple, TypeVar

from pydantic import Field

from service.api.parameters import At
from service.domain.assertion import MemberId

MOST: Final = 50
Item = TypeVar("Item")


class PagedQuery(At):
    """At which point, and which irritants."""

    after: Annotated[MemberId | None, Field(description="the irritant that was seen last")] = None


class Part(NamedTuple, Generic[Item]):
    """Some of many. `first`: the number of the first of them; `next`: what to ask for `after`, where there are more."""

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
    """The items that follow one, which is named by its id; from the first where there is none of that name."""
    ids = [id_of(item) for item in items]
    begin = ids.index(after) + 1 if after in ids else 0
    chosen = items[begin : begin + MOST]
    more = begin + len(chosen) < len(items)
    return Part(chosen, begin + 1, len(items), id_of(chosen[-1]) if more else None)
