"""Find the code of an actor by a name that people write, such as Russia, Россия or the UK.

The names of countries are those of CLDR, by `babel`, in LANGUAGES. The record's own names come first.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Final

from babel import Locale

from service.domain.actor.names import NO_NAMES, ActorNames
from service.domain.actors import CODES, JOINT, MEDIA
from service.domain.countries import USER_ASSIGNED
from service.projections.words.names import at_the_beginning, name_of

LANGUAGES: Final = tuple("en fr de es it pt ru uk pl tr nl ar fa he hi zh ja ko".split())  # noqa: SIM905
_OTHER_NAMES: Final = {
    "Britain": "GB",
    "Great Britain": "GB",
    "UK": "GB",
    "America": "US",
    "USA": "US",
    "США": "US",
    "United States of America": "US",
    "Russian Federation": "RU",
    "European Union": "EU",
    "United Nations": "UN",
    "Vatican": "VA",
    "Burma": "MM",
    "Myanmar": "MM",
    "Turkey": "TR",
    "Ivory Coast": "CI",
    "Czech Republic": "CZ",
    "Cape Verde": "CV",
    "Swaziland": "SZ",
    "Palestine": "PS",
    "Hong Kong": "HK",
    "Macao": "MO",
    "Democratic Republic of the Congo": "CD",
    "Republic of the Congo": "CG",
}
"""Usual names that CLDR does not have in English."""
_MAX_SUGGESTIONS: Final = 3


class UnknownActor(ValueError):
    """No actor has this name. The message has the nearest names and says what to write."""


def code_of(text: str, names: ActorNames = NO_NAMES) -> str | None:
    """Return the code or slug of the actor with this code or name. None if no actor has it.

    `names` are the actors that the record names, such as an organisation.
    """
    written = text.strip()
    if written in names.registered:
        return written
    name = _normalised(written)
    if (code := name.upper()) in CODES or code in (JOINT, MEDIA):
        return code
    registered = {_normalised(known): actor for actor, known in names.registered.items()}
    return registered.get(name) or _codes().get(name)


def code_or_error(text: str, names: ActorNames = NO_NAMES) -> str:
    """Return the code or slug of the actor with this code or name. Raise UnknownActor."""
    if (code := code_of(text, names)) is not None:
        return code
    near = nearest(text, names)
    meant = f"; the nearest: {', '.join(near)}" if near else ""
    raise UnknownActor(f'"{text}" is not the code or the name of an actor{meant}. Use a code such as DZ, or a name')


def nearest(text: str, names: ActorNames = NO_NAMES) -> list[str]:
    """Return the actors whose names are most like a text, each with its code: `Algeria (DZ)`."""
    known = {_normalised(name): code for code, name in {**states(), **names.registered}.items()}
    found = get_close_matches(_normalised(text[:80]), known, _MAX_SUGGESTIONS)
    return [f"{at_the_beginning(name_of(known[name], names))} ({known[name]})" for name in found]


@cache
def states() -> Mapping[str, str]:
    """Return the English name of each actor that has a code, by code, in the order of the names.

    Codes for tests are left out, so that no form suggests them.
    """
    named = {code: at_the_beginning(name_of(code)) for code in CODES - USER_ASSIGNED}
    return dict(sorted(named.items(), key=lambda pair: _normalised(pair[1])))


@cache
def _codes() -> Mapping[str, str]:
    """Return the code of each name. A name that two languages give to two countries has the code of the first."""
    codes: dict[str, str] = {}
    for name, code in _names():
        codes.setdefault(_normalised(name), code)
    return codes


def _names() -> Iterator[tuple[str, str]]:
    yield from ((name_of(code), code) for code in sorted(CODES))
    yield from _OTHER_NAMES.items()
    known = CODES - USER_ASSIGNED
    for language in LANGUAGES:
        yield from ((name, code) for code, name in Locale(language).territories.items() if code in known)


def _normalised(name: str) -> str:
    """Return a name without case, accents, dots, brackets and the article, for comparison."""
    parts = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(part for part in parts if not unicodedata.combining(part) and part not in ".()")
    return re.sub(r"^the ", "", " ".join(letters.replace("’", "'").replace("-", " ").split()))  # noqa: RUF001
