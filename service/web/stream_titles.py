"""Name a stream as people know it: by the title of an irritant or document, or the name of a round or actor."""

from collections.abc import Iterable
from typing import Any

from service.domain import edtf
from service.domain.countries import parties_of
from service.domain.history import History
from service.domain.irritant.events import IrritantOpened
from service.domain.source.events import SourceRegistered
from service.projections.words.names import at_the_beginning, name_of, round_name
from service.web.formatting import name_at_start


def title_of(history: History[Any]) -> str:
    """Return the title of a stream on record."""
    state = history.state
    if history.stream.startswith("source/"):
        return _document(state)
    return _title(history.stream, getattr(state, "title", None) or "")


def titles_in(stream: str, events: Iterable[Any]) -> str:
    """Return the title of a stream from the data of new events on it, else its name in words."""
    for data in events:
        if isinstance(data, SourceRegistered):
            return _document(data)
        if isinstance(data, IrritantOpened):
            return data.title
    return _title(stream, "")


def _document(source: Any) -> str:
    """Return the title of a document, else its publisher, with its date."""
    name = source.title or source.publisher
    return f"{name}, {edtf.describe(source.published)}" if source.published else str(name)


def _title(stream: str, title: str) -> str:
    kind, _, member = stream.partition("/")
    match kind:
        case "round":
            return round_name(member, title or None)
        case "relation":
            one, other = parties_of(member)
            return title or at_the_beginning(f"{name_of(one)} and {name_of(other)}")
        case "actor":
            return str(name_at_start(member).unescape())
        case _:
            return title or member.rpartition("/")[2].replace("-", " ").capitalize()
