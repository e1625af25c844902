"""The statements of a round sheet or a dossier as a table in CSV: one row for each statement of each voice."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from service.projections.dossier import DossierDocument, Said
from service.projections.formats.tables import as_csv
from service.projections.sheet import SheetDocument

_COLUMNS: Final = (
    *("irritant", "title", "voice", "event", "position", "type", "rung", "denied", "relay", "occurred", "date_basis"),
    *("party", "organ", "person", "channel", "summary", "wording", "document", "paragraphs", "origin"),
)


def of_sheet(sheet: SheetDocument, reading: str = "") -> str:
    """Return the statements that belong to a round. `reading` is the sentence on a reading of the past."""
    rows = (row for item in sheet.items for row in _rows(item.irritant, item.title, item.voices))
    return as_csv(_COLUMNS, rows, reading)


def of_dossier(dossier: DossierDocument, reading: str = "") -> str:
    """Return all statements on an irritant. `reading` is the sentence on a reading of the past."""
    it = dossier.irritant
    return as_csv(_COLUMNS, _rows(it.id, it.title, dossier.columns), reading)


def _rows(irritant: str, title: str, voices: Mapping[str, Iterable[Said]]) -> Iterator[tuple[object, ...]]:
    for voice, column in voices.items():
        for said in column:
            cited, by = said.cited, said.cited.asserted_by
            yield (
                *(irritant, title, voice, said.event, cited.position, said.type, said.rung, said.denied, said.relay),
                *(cited.occurred, cited.occurred_basis, by.party, by.organ, by.person, by.channel),
                *(cited.summary, cited.wording, cited.source.document, tuple(cited.source.paragraphs)),
                cited.source.origin,
            )
