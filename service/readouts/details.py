"""Suggest values for the fields of an event from the words of a paragraph, such as its place or the answer given.

`irritants draft` writes them into a report file, where an operator confirms or changes each.
"""

from collections.abc import Iterator
from typing import Final

from service.readouts.subjects import head_in
from service.readouts.suggestions import hours_in, places_in, timing_in, values_in

_WITH_PLACE: Final = ("RoundConvened", "RoundScheduled", "RoundRelocated", "RoundAnnounced")
_QUALIFIED: Final = {"about": "about ", "at_least": "at least ", "exact": ""}


def details(type: str, paragraph: str) -> dict[str, str]:
    """Return suggested values of fields of an event of this type, by the names of the fields."""
    return dict(_details(type, paragraph))


def _details(type: str, paragraph: str) -> Iterator[tuple[str, str]]:
    values = values_in(type, paragraph)
    if type == "RoundConcluded" and (hours := hours_in(paragraph)):
        qualifier = values.pop("qualifier", "exact")
        yield "hours", hours
        yield "qualifier", qualifier
        yield "summary", f"The round lasted {_QUALIFIED[qualifier]}{hours} hours."
    yield from values.items()
    if type in _WITH_PLACE and (place := next(iter(places_in(paragraph)), None)):
        yield "place", place
        if type == "RoundConvened":
            yield "summary", f"The delegations met in {place}."
    if type == "RoundAnnounced" and (timing := timing_in(paragraph)):
        yield "timing", timing
    if type == "DelegationHeadNamed" and (head := head_in(paragraph, (), {})):
        yield from ((name, value) for name, value in (("person", head.name), ("role", head.post)) if value)
        yield "summary", f"The delegation was led by {head.name or f'the {head.post}'}."
