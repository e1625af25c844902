"""Name a stream as people know it: an irritant or document by its title, a round or actor by its name."""

from collections.abc import Iterable
from typing import Any

from service.domain.countries import parties_of
from service.domain.history import History
from service.domain.irritant.events import IrritantOpened
from service.domain.source.events import SourceRegistered
from service.projections.words.documents import document_name
from service.projections.words.names import at_the_beginning, name_of, round_name
from service.web.formatting import name_at_start


def title_of(history: History[Any]) -> str:
    """Return the title of a stream on record."""
    state = history.state
    if history.stream.startswith("source/"):
        return document_name(state)
    return _name_in_words(history.stream, getattr(state, "title", None) or "")


def title_from_events(stream: str, events: Iterable[Any]) -> str:
    """Return the title of a stream that these new events open, else its name in words."""
    for data in events:
        if isinstance(data, SourceRegistered):
            return document_name(data)
        if isinstance(data, IrritantOpened):
            return data.title
    return _name_in_words(stream, "")


def _name_in_words(stream: str, title: str) -> str:
    """Return the title of a stream. Without a title, make a name from the id of the stream."""
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
