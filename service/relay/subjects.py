"""Under which subject an event is published: `<prefix>.<relation>.<kind>.<slug>`.

    irritant/ru-us/banking-access   irritants.ru-us.irritant.banking-access
    round/ru-us/istanbul-april      irritants.ru-us.round.istanbul-april
    relation/ru-us                  irritants.ru-us.relation
    source/a1-hasanova              irritants.shared.source.a1-hasanova

Sources belong to no relation; `shared` can be none, for a relation has a hyphen. Names of streams consist of lower-case
letters, digits and hyphens, so every part is one token and none is a wildcard.
"""

import re
from typing import Final

from service.domain.streams import parse_stream

OF_NO_RELATION: Final = "shared"
PREFIX: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


def subject(prefix: str, stream: str) -> str:
    name = parse_stream(stream)
    assert name is not None
    return ".".join(part for part in (prefix, name.relation or OF_NO_RELATION, name.kind, name.slug) if part)
