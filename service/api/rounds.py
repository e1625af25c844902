"""Rounds: the list, each one, and its sheet."""

from html import escape
from typing import Any, Final

from service.api.etags import JSON
from service.api.listing import Items, Listing, Paged, list_documents
from service.api.parameters import At, RelationId
from service.api.resources import Found, Names, Resource, Snapshot, Stored, as_json, found
from service.api.states import member_of, of_stream, one_of, reading_of, relation_or_record
from service.api.timelines import timeline_of
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
    """Which rounds."""

    relation: RelationId | None = None


def _list(snapshot: Snapshot, _names: Names, query: RoundsQuery) -> Found[Items[RoundDocument]]:
    """Rounds, by id."""
    return list_documents(snapshot, query, "round", relation=query.relation)


def _one(snapshot: Snapshot, names: Names, query: At) -> Found[Stored[RoundDocument]]:
    """One round: how far it has come and who says so, where, when, led by whom, in whose words."""
    return one_of(snapshot, names, query, "round")


def _evidence(snapshot: Snapshot, names: Names, query: At) -> Found[EvidenceDocument]:
    """What was asserted of a round, and what each assertion rests on: documents, utterances, who."""
    return found(assertions.view(reading_of(snapshot, names, query, "round")), assertions.REPRESENTATION)


def _sheet(snapshot: Snapshot, names: Names, query: At) -> Found[SheetDocument]:
    """What one round brought, irritant by irritant: before, after, who says so, what is uncorroborated, who is silent.

    JSON, Markdown or HTML, by Accept.
    """
    # Before: the record before the first report filed on the round. After: at the last one. Both as they read now,
    # because a correction names no round, and a sheet must not go on citing what was retracted.
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
    """The sheet for a browser, where there are no pages that would draw it."""
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
    # It names publishers, and a correction of a source touches nothing but the record.
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
