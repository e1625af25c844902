"""The names of actors in plain British English, as they stand within a sentence: "the United States", "Oman".

Country names are CLDR's (by `babel`), so that no list of two hundred is kept here. Few differ: what a sentence needs an
article for, and names under which a state or an organisation takes part in talks.
"""

from functools import lru_cache
from typing import Final

from babel import Locale

_NAMES: Final = {
    "EU": "the EU",
    "UN": "the UN",
    "VA": "the Holy See",
    "XK": "Kosovo",
    "CD": "the Democratic Republic of the Congo",
    "CG": "the Republic of the Congo",
    "HK": "Hong Kong",
    "MM": "Myanmar",
    "MO": "Macao",
    "MEDIA": "media",
    "both": "both sides",
    "JOINT": "both sides jointly",
    "none": "no one",
}
_WITH_ARTICLE: Final = frozenset(
    "AE BS CD CF CG CK DO FK FO GB GM IM KM KY MH MP MV NL PH PS SB SC TC UM US VG VI".split()  # noqa: SIM905 -- a list of literals would take 28 lines
)


@lru_cache(maxsize=4096)
def name_of(actor: str) -> str:
    """Return the name of an actor within a sentence. A registered actor's is made from its slug: `iaea` is IAEA."""
    if actor in _NAMES:
        return _NAMES[actor]
    if (territory := _territories().get(actor)) is not None:
        return f"the {territory}" if actor in _WITH_ARTICLE else territory
    words = actor.split("-")
    return actor.upper() if len(words) == 1 and len(actor) <= 5 else " ".join(word.capitalize() for word in words)


@lru_cache(maxsize=1)
def _territories() -> dict[str, str]:
    return {code: name for code, name in Locale("en", "GB").territories.items() if len(code) == 2}


def joined(names: list[str]) -> str:
    """Return these as a list in words: "Oman", "Oman and Qatar", "Oman, Qatar and media"."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
