"""Copies of frozen values with some fields otherwise: what every step of a fold makes.

As `dataclasses.replace`, whose signature the type checker goes by, in two thirds of its time: that looks at every field
of the class anew for each copy, and copies were half of a fold.
"""

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import replace as replace  # noqa: PLC0414 -- said to be given on
else:

    def replace(value: Any, /, **changes: Any) -> Any:
        """Goes through the constructor, so whatever that makes sure of holds for the copy. For several fields."""
        names, values = _fields(type(value))
        copy = type(value)(*map(changes.pop, names, values(value)))
        if changes:
            raise TypeError(f"{type(value).__name__} has no field {', '.join(changes)}")
        return copy


@cache
def _fields(kind: type[Any]) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    names = tuple(field.name for field in fields(kind))
    return names, attrgetter(*names)
