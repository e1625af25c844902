"""Find the names that a misspelt one may mean, and list them in words."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import Final

FORM_OF_SLUGS: Final = "in lower-case letters, digits and hyphens"
FORM_OF_IDS: Final = f"{FORM_OF_SLUGS}, with the codes of a relation in alphabetical order"
"""Why an id, or the name of a stream, is answered with another form of it."""
ID_OF_A_RELATION: Final = "the id of a relation: two different codes in lower case, in alphabetical order"
_MOST: Final = 3
_MOST_LISTED: Final = 6
_MOST_COMPARED: Final = 1_000


def nearest(name: str, known: Collection[str]) -> list[str]:
    """Return up to three of the known names that are like this one, or contain it. Empty if none is close."""
    some = sorted(set(known))[:_MOST_COMPARED]
    close = get_close_matches(name, some, n=_MOST)
    longer = (other for other in some if other.startswith(name) or (len(name) > 2 and name in other))
    return list(dict.fromkeys([*close, *longer]))[:_MOST]


def similar(names: Iterable[str], kind: str = "names") -> str:
    """Return the sentence that suggests names on record for an unknown one. `kind`: what they are, in the plural."""
    return f"Similar {kind} on record: {listed(names)}."


def listed(names: Iterable[str]) -> str:
    """Return names as a list in words, cut after the sixth: "a, b and 3 more"."""
    every = list(names)
    further = len(every) - _MOST_LISTED
    shown, last = (every[:-1], every[-1]) if further <= 0 else (every[:_MOST_LISTED], f"{further} more")
    return f"{', '.join(shown)} and {last}" if shown else last
