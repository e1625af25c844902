"""The board of a relation: every irritant in one line, as a desk pins it to the wall."""

from collections.abc import Iterable
from typing import Final

from service.projections.change import StandingDocument, standing_of
from service.projections.document import Document
from service.projections.irritant import IrritantDocument, LastMoved

NAME: Final = "board"
REPRESENTATION: Final = 1


class BoardRow(StandingDocument):
    """One irritant: how it stands, and when it last moved. `position`: its last event."""

    id: str
    category: str
    last_moved: LastMoved
    position: int


class BoardDocument(Document):
    """Every irritant of a relation, by id. It is one page, so `next` is null always."""

    relation: str
    items: tuple[BoardRow, ...]
    next: None
    position: int


def view(relation: str, irritants: Iterable[IrritantDocument], position: int) -> BoardDocument:
    """The board of these irritants; `position` is that of the relation's last event. Total."""
    return BoardDocument(relation=relation, items=tuple(_row(one) for one in irritants), next=None, position=position)


def _row(irritant: IrritantDocument) -> BoardRow:
    own = {name: getattr(irritant, name) for name in ("id", "category", "last_moved", "position")}
    return BoardRow(**dict(standing_of(irritant)), **own)
