"""Rounds: the list, each one, and its sheet."""

from html import escape
from typing import Any, Final

from sqlalchemy import Connection

from service.api.answer import Page
from service.api.etags import JSON
from service.api.listing import Listing, Paged, list_documents
from service.api.parameters import At, RelationId
from service.api.resource import Read, Resource
from service.api.routes import routes
from service.api.states import member_of, of_stream, one_of, point_of, reading_of, relation_or_record, shown
from service.api.timelines import timeline_of
from service.domain.history import History
from service.domain.streams import history_of
from service.follower import RECORD
from service.follower.readings import Point, cited_sources, rounds_of_reports
from service.projections import assertions, markdown, sheet
from service.projections.assertions import EvidenceDocument
from service.projections.round import RoundDocument
from service.projections.sheet import SheetDocument
from service.store import reports

MARKDOWN: Final = f"{markdown.MEDIA_TYPE}; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"


class RoundsQuery(At, Paged):
    """Which rounds."""

    relation: RelationId | None = None


def _list(c: Connection, read: Read[RoundsQuery]) -> Page:
    """Rounds, by id."""
    return list_documents(c, read, "round", relation=read.query.relation)


def _one(c: Connection, read: Read[At]) -> Page:
    """One round: how far it has come and who says so, where, when, led by whom, in whose words."""
    return one_of(c, read, "round")


def _evidence(c: Connection, read: Read[At]) -> Page:
    """What was asserted of a round, and what each assertion rests on: documents, utterances, who."""
    return shown(read, assertions.view(reading_of(c, read, "round", point_of(c, read))), assertions.REPRESENTATION)


def _sheet(c: Connection, read: Read[At]) -> Page:
    """What one round brought, irritant by irritant: before, after, who says so, what is uncorroborated, who is silent.

    JSON, Markdown or HTML, by Accept.
    """
    document = _sheet_at(c, read, point_of(c, read))
    return shown(read, document, sheet.REPRESENTATION, {MARKDOWN: markdown.markdown, HTML: _bare})


def _bare(document: SheetDocument) -> str:
    """The sheet for a browser, where there are no pages that would draw it."""
    text = escape(markdown.markdown(document))
    return f'<!doctype html>\n<html lang="en"><title>{escape(document.id)}</title><pre>{text}</pre></html>\n'


def _sheet_at(c: Connection, read: Read[At], point: Point) -> SheetDocument:
    """Before: the record before the first report filed on the round. After: at the last one.

    Both as they read now: whoever files a correction names no round, and a sheet must not go on citing what was struck.
    """
    round, relation = reading_of(c, read, "round", point), read.path["relation"]
    filed = reports.page(c, round=member_of(read.path), upto=point.position)
    first, last = (filed[0].first_position - 1, filed[-1].last_position) if filed else (point.position, point.position)
    known = read.histories.of_relation(c, relation, point.position)
    found = {stream: told for stream, history in known.items() if (told := history.told_by(last)).events}
    after = [history for stream, history in found.items() if stream.startswith("irritant/")]
    before: list[History[Any]] = [then for history in after if (then := history.told_by(first)).events]
    talks = found.get(f"relation/{relation}") or history_of(f"relation/{relation}")
    sources = cited_sources(c, [*round.events, *(e for history in found.values() for e in history.events)], point)
    return sheet.view(
        round=round,
        before=[point.reading(history) for history in before],
        after=[point.reading(history) for history in after],
        relation=point.reading(talks),
        sources=sources,
        round_of=rounds_of_reports(c, relation, last),
    )


RESOURCES: Final = (
    Resource(
        "/v1/rounds",
        RoundsQuery,
        _list,
        lambda _, query: relation_or_record(query.relation),
        shape=Listing[RoundDocument],
        is_snapshot=True,
    ),
    Resource("/v1/rounds/{relation}/{slug}", At, _one, of_stream("round"), shape=RoundDocument),
    Resource("/v1/rounds/{relation}/{slug}/evidence", At, _evidence, of_stream("round"), shape=EvidenceDocument),
    timeline_of("round", "/v1/rounds/{relation}/{slug}"),
    # It names publishers, and a source that is mended touches nothing but the record.
    Resource(
        "/v1/rounds/{relation}/{slug}/sheet",
        At,
        _sheet,
        lambda _path, _query: (RECORD,),
        shape=SheetDocument,
        media_types=(JSON, MARKDOWN, HTML),
        drawn=HTML,
    ),
)
router = routes(RESOURCES, "rounds")
