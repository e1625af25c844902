"""Name the subject of an event in NATS: `<prefix>.<relation>.<kind>.<slug>`.

    irritant/ru-us/banking-access   irritants.ru-us.irritant.banking-access
    round/ru-us/istanbul-april      irritants.ru-us.round.istanbul-april
    relation/ru-us                  irritants.ru-us.relation
    source/a1-hasanova              irritants.shared.source.a1-hasanova
    a withheld event                irritants.withheld

Sources have no relation, so they have `shared` instead. No relation has that name, because the name of a relation has a
hyphen. Names of streams have only lower-case letters, digits and hyphens, so no part is a wildcard of NATS.
"""

import re
from typing import Final

from service.domain.streams import parse_stream

_NO_RELATION: Final = "shared"
_WITHHELD: Final = "withheld"
PREFIX: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


def subject(prefix: str, stream: str | None) -> str:
    """Return the subject for the events of a stream, None for those that are withheld."""
    if stream is None:
        return f"{prefix}.{_WITHHELD}"
    name = parse_stream(stream)
    assert name is not None
    return ".".join(part for part in (prefix, name.relation or _NO_RELATION, name.kind, name.slug) if part)
