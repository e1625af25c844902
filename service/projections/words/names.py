"""The names of actors in British English, as they stand within a sentence: "the United States", "Oman".

All documents, pages and messages of the command line take names from here. A name on record (`ActorRegistered`) comes
first. Otherwise the names of countries are from CLDR, by `babel`. `_NAMES` has the few exceptions, and `_WITH_ARTICLE`
the countries that need an article. A code for tests has the name "Test state XA".
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from babel import Locale

from service.domain.actor.names import NO_NAMES, ActorNames
from service.domain.actors import MEDIA
from service.domain.countries import USER_ASSIGNED

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
# A registered name with one of these words needs an article in a sentence: the African Union.
_NEEDS_ARTICLE: Final = re.compile(
    r"\b(Agency|Assembly|Association|Authority|Commission|Committee|Community|Confederation|Council|Court|Emirates"
    r"|Federation|Fund|Group|Islands|Kingdom|League|Mission|Nations|Office|Organi[sz]ation|Programme|Republic|Secretariat"
    r"|States|Union)\b"
)

# A group of persons, such as "Lawyers of the detained".
_SEVERAL: Final = re.compile(r"(the )?\w+[^s\W]s (of|for|from|in) ")


def name_of(actor: str, names: ActorNames = NO_NAMES) -> str:
    """Return the name of an actor within a sentence. An unnamed slug is written as a name: `iaea` is IAEA."""
    registered = names.registered.get(actor)
    return _name_of(actor) if registered is None else in_a_sentence(registered)


@lru_cache(maxsize=4096)
def _name_of(actor: str) -> str:
    if actor in _NAMES:
        return _NAMES[actor]
    if actor in USER_ASSIGNED:  # CLDR has names such as Pseudo-Accents for some of them
        return f"Test state {actor}"
    if (territory := _territories().get(actor)) is not None:
        return f"the {territory}" if actor in _WITH_ARTICLE else territory
    words = actor.split("-")
    return actor.upper() if len(words) == 1 and len(actor) <= 5 else " ".join(word.capitalize() for word in words)


@lru_cache(maxsize=4096)
def in_a_sentence(registered: str) -> str:
    """Return a registered name with an article if it needs one: `the African Union`, but `NATO`."""
    first, _, rest = registered.partition(" ")
    if first.lower() == "the" and rest:
        return f"the {rest}"
    return f"the {registered}" if _NEEDS_ARTICLE.search(registered) else registered


def is_plural(name: str) -> bool:
    """Return whether a name takes a verb in the plural, as several persons do: "Lawyers of the detained", "media"."""
    return name == _NAMES[MEDIA] or _SEVERAL.match(name) is not None


def at_the_beginning(name: str) -> str:
    """Return a name as it begins a sentence or stands alone: "The United States"."""
    return name[:1].upper() + name[1:]


def named(actors: Iterable[str], names: ActorNames = NO_NAMES) -> dict[str, str]:
    """Return the name of each of these actors, by code or slug, for the readers of a document."""
    return {actor: name_of(actor, names) for actor in sorted(set(actors))}


@lru_cache(maxsize=1)
def _territories() -> dict[str, str]:
    return {code: name for code, name in Locale("en", "GB").territories.items() if len(code) == 2}


_SMALL_WORDS: Final = frozenset("a an and at between by for from in of on or the to with".split())  # noqa: SIM905


def round_name(id: str, title: str | None = None) -> str:
    """Return the title of a round, else a name made from its slug: `ru-us/istanbul-april` is Istanbul April.

    Small words after the first begin with a small letter: Washington in the Autumn.

    The word `next` in a slug is left out, because it is wrong once the round has met.
    """
    words = [word for word in id.partition("/")[2].split("-") if word != "next"]
    name = " ".join(word if place and word in _SMALL_WORDS else word.capitalize() for place, word in enumerate(words))
    return title or name or "Round"


def joined(names: list[str]) -> str:
    """Return one or more names as a list in words: "Oman", "Oman and Qatar", "Oman, Qatar and media"."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
