"""Rounds: the list, one round, its evidence, its timeline and its sheet."""

from html import escape
from typing import Any, Final

from service.api.etags import JSON
from service.api.parameters import At, RelationId
from service.api.resources import Found, Names, Resource, Snapshot, Stored, as_json, found
from service.api.resources.listing import Items, Listing, Paged, list_documents
from service.api.resources.states import member_of, of_stream, one_of, reading_of, relation_or_record
from service.api.resources.timelines import timeline_of
from service.domain.history import History
from service.domain.streams import history_of
from service.follower import RECORD
from service.follower.as_of import cited_sources, rounds_of_reports
from service.projections import assertions, markdown, sheet
from service.projections.assertions import EvidenceDocument
from service.projections.round import RoundDocument
from service.projections.sheet import SheetDocument
from service.store import reports

MARKDOWN: Final = f"{markdown.MEDIA_TYPE}; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"


class RoundsQuery(At, Paged):
    """Filters of the list of rounds."""

    relation: RelationId | None = None


def _list(snapshot: Snapshot, _names: Names, query: RoundsQuery) -> Found[Items[RoundDocument]]:
    """List rounds, by id."""
    return list_documents(snapshot, query, "round", relation=query.relation)


def _one(snapshot: Snapshot, names: Names, query: At) -> Found[Stored[RoundDocument]]:
    """Read one round: its phase and who reports it, the place, the dates, the heads of delegation and the wording."""
    return one_of(snapshot, names, query, "round")


def _evidence(snapshot: Snapshot, names: Names, query: At) -> Found[EvidenceDocument]:
    """Read the assertions about a round, each with its documents, its origins and its speakers."""
    return found(assertions.view(reading_of(snapshot, names, query, "round")), assertions.REPRESENTATION)


def _sheet(snapshot: Snapshot, names: Names, query: At) -> Found[SheetDocument]:
    """Read the sheet of a round: for each irritant the status before and after, who says so, and what is missing.

    Missing are corroboration by a second origin and the word of a silent side. JSON, Markdown or HTML, by `Accept`.
    """
    # Before is the record before the first report for the round, after is the record at the last one. Both include
    # later corrections, because a sheet must not cite what was retracted.
    c, point = snapshot.c, snapshot.point_in_log(query)
    round, relation = reading_of(snapshot, names, query, "round"), names["relation"]
    filed = reports.page(c, round=member_of(names), upto=point.position)
    first, last = (filed[0].first_position - 1, filed[-1].last_position) if filed else (point.position, point.position)
    known = snapshot.histories.of_relation(c, relation, point.position)
    then = {stream: told for stream, history in known.items() if (told := history.told_by(last)).events}
    after = [history for stream, history in then.items() if stream.startswith("irritant/")]
    before: list[History[Any]] = [earlier for history in after if (earlier := history.told_by(first)).events]
    talks = then.get(f"relation/{relation}") or history_of(f"relation/{relation}")
    sources = cited_sources(c, [*round.events, *(e for history in then.values() for e in history.events)], point)
    document = sheet.view(
        round=round,
        before=[point.reading(history) for history in before],
        after=[point.reading(history) for history in after],
        relation=point.reading(talks),
        sources=sources,
        round_of=rounds_of_reports(c, relation, last),
    )
    return found(document, sheet.REPRESENTATION)


def _markdown(document: SheetDocument, _prefix: str) -> bytes:
    return markdown.markdown(document).encode()


def _html(document: SheetDocument, _prefix: str) -> bytes:
    """Return the sheet as plain HTML, which the pages replace by theirs."""
    text, title = escape(markdown.markdown(document)), escape(document.id)
    return f'<!doctype html>\n<html lang="en"><title>{title}</title><pre>{text}</pre></html>\n'.encode()


LIST: Final = Resource(
    "/v1/rounds",
    RoundsQuery,
    _list,
    lambda _, query: relation_or_record(query.relation),
    shape=Listing[RoundDocument],
    is_snapshot=True,
)
SHEET: Final = Resource(
    "/v1/rounds/{relation}/{slug}/sheet",
    At,
    _sheet,
    # The sheet names publishers. A corrected source has the topic of the record only.
    lambda _path, _query: (RECORD,),
    shape=SheetDocument,
    bodies={JSON: as_json, MARKDOWN: _markdown, HTML: _html},
)
TIMELINE: Final = timeline_of("round", "/v1/rounds/{relation}/{slug}")
RESOURCES: Final = (
    LIST,
    Resource("/v1/rounds/{relation}/{slug}", At, _one, of_stream("round"), shape=RoundDocument),
    Resource("/v1/rounds/{relation}/{slug}/evidence", At, _evidence, of_stream("round"), shape=EvidenceDocument),
    TIMELINE,
    SHEET,
)
