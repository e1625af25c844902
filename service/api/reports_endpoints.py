"""The endpoints that write: `POST /v1/reports`, and `POST …/events`, which files a report of one event.

Checks come in this order: permissions (401, 403), form of the request, idempotency, preconditions (`If-Match`), rules
of the domain. The recorder makes the last three in the transaction of the append, so that nothing changes in between.
"""

import re
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from pydantic import Field
from sqlalchemy import Engine
from starlette.responses import Response

from service.api import body, etags, negotiation
from service.api.limits import check_limits
from service.api.openapi import SCHEMAS, examples
from service.api.parameters import Query, Truth, described, parse
from service.api.problems import Problem
from service.api.reports_filing import (
    ReportPreview,
    ReportReceipt,
    file,
    preview_response,
    receipt_response,
    refuse_relation,
    require_reporter,
)
from service.api.responder import Responder
from service.domain.catalogue import EVENT_TYPES, Kind
from service.domain.errors import Malformed, Refused
from service.domain.mistakes import kind_of_json
from service.domain.streams import id_remedy, parse_stream
from service.projections.stored import STORED
from service.recorder import Receipt, Stale
from service.store import events
from service.store.engine import connection
from service.store.keys import redact_keys


class _FilingRoute(APIRoute):
    """A route that calls its endpoint directly. FastAPI's dependencies would add a twentieth to the time."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        async def handler(request: Request) -> Response:
            await check_limits(request)
            response: Response = await self.endpoint(request, **request.path_params)
            return response

        return handler


router = APIRouter(tags=["filing"], route_class=_FilingRoute)

_KEY: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?")
_EXAMPLES: Final[Mapping[str, str]] = {
    "irritant": "ru-us/visas",
    "round": "ru-us/istanbul-april",
    "relation": "ru-us",
}
_MAX_SHOWN: Final = 100
_MAX_TAGS: Final = 50
"""The most tags of `If-Match` that are looked up. Each takes a query."""


class FilingQuery(Query):
    """The query parameters of the endpoints that write."""

    dry_run: Annotated[
        Truth,
        Field(description="answer what the report would change, and write nothing; needs no Idempotency-Key"),
    ] = False


def _contract(operation: str, schema: str, example: dict[str, Any]) -> dict[str, Any]:
    """Return what FastAPI needs to describe an endpoint. It cannot see the body, because `body` parses that."""
    content = {"schema": {"$ref": f"{SCHEMAS}{schema}"}, "example": example}
    return {
        "operation_id": operation,
        "status_code": 201,
        "response_model": None,
        "responses": {
            200: {
                "model": ReportPreview,
                "description": "A preview of the changes that the report would make. Nothing was written.",
            },
            201: {"model": ReportReceipt, "description": "The report is on record."},
        },
        "openapi_extra": {
            "parameters": described("", FilingQuery),
            "requestBody": {"required": True, "content": {"application/json": content}},
        },
    }


@router.post("/v1/reports", **_contract("file_report", "Report", examples.REPORT))
async def file_report(request: Request) -> Response:
    """File a report: events for several streams, recorded together or not at all."""
    require_reporter(request)
    dry_run = parse(FilingQuery, request.scope["query_string"]).dry_run
    key = _key(request, dry_run=dry_run)
    read = await body.read(request, body.REPORT_LIMIT)
    receipt = await file(request, read, key, dry_run=dry_run)
    return preview_response(receipt) if dry_run else await receipt_response(request, receipt)


@router.post(
    "/v1/irritants/{relation}/{slug}/events",
    **_contract("append_to_irritant", "IrritantEvent", examples.EVENTS["irritant"]),
)
async def append_to_irritant(request: Request, relation: str, slug: str) -> Response:
    """Append one event to an irritant. `If-Match` names the state that the sender has read."""
    return await _append(request, "irritant", f"{relation}/{slug}")


@router.post(
    "/v1/rounds/{relation}/{slug}/events", **_contract("append_to_round", "RoundEvent", examples.EVENTS["round"])
)
async def append_to_round(request: Request, relation: str, slug: str) -> Response:
    """Append one event to a round. `If-Match` names the state that the sender has read."""
    return await _append(request, "round", f"{relation}/{slug}")


@router.post(
    "/v1/relations/{relation}/events", **_contract("append_to_relation", "RelationEvent", examples.EVENTS["relation"])
)
async def append_to_relation(request: Request, relation: str) -> Response:
    """Append one event to a relation. `If-Match` names the state that the sender has read."""
    return await _append(request, "relation", relation)


async def _append(request: Request, kind: Kind, member: str) -> Response:
    """File a report of the one event in the body. `member` is the stream without its kind."""
    access = require_reporter(request)
    stream = f"{kind}/{member}"
    name = parse_stream(stream)
    if name is None or name.relation is None:
        example = f"lower-case letters, digits and hyphens, such as {_EXAMPLES[kind]}"
        raise Problem("not-found", f"{member} is not a valid id; {id_remedy(member, f'use {example}')}.")
    refuse_relation(access, name.relation)
    dry_run = parse(FilingQuery, request.scope["query_string"]).dry_run
    key = _key(request, dry_run=dry_run)
    read = await body.read(request)
    if not isinstance(read.value, dict):
        why = f"The body is {kind_of_json(read.value)}. Send one object with `type` and the fields of that type"
        raise Refused([Malformed("", why=why)])
    report = _report_of(stream, name.relation, read.value, read.mistakes)
    expected = await _expected_positions(request, kind, stream)
    try:
        receipt = await file(request, report, key, expected_positions=expected, dry_run=dry_run)
    except Refused as refused:
        for refusal in refused.refusals:
            refusal.pointer = refusal.pointer.removeprefix("/events").removeprefix("/0")
        raise
    except Stale as stale:
        raise await _precondition_problem(request, kind, stale) from None
    receipt = _with_pointers_into_event(receipt)
    if dry_run:
        return preview_response(receipt)
    answer = await receipt_response(request, receipt)
    answer.headers["ETag"] = await _tag(request, kind, receipt.events[-1].position)
    return answer


def _with_pointers_into_event(receipt: Receipt) -> Receipt:
    """Return the receipt of a report of one event. Its warnings point into the body, which is that event."""
    warnings = (
        warning.model_copy(update={"pointer": warning.pointer.removeprefix("/events/0")})
        for warning in receipt.warnings
    )
    return replace(receipt, warnings=tuple(warnings))


def _report_of(stream: str, relation: str, event: dict[str, Any], found: Sequence[Malformed]) -> body.Body:
    """Return the body of a report with this one event. `found` are the mistakes in it, with pointers into the event."""
    mistakes = [Malformed(f"/events/0{mistake.pointer}", why=str(mistake.facts["why"])) for mistake in found]
    mistakes += [
        Malformed(
            f"/events/0/{field}",
            why=f"`{field}` is allowed only in reports, because the address names the stream. Remove it",
        )
        for field in event.keys() & {"stream", "ref"}
    ]
    event = {**event, "stream": stream}
    event.pop("ref", None)
    type = next((type for type in EVENT_TYPES if type == event.get("type")), "event")
    return body.Body({"relation": relation, "title": f"{type} on {stream}", "events": [event]}, tuple(mistakes))


def _key(request: Request, *, dry_run: bool) -> str:
    """Return the idempotency key, "" for a dry run. Raises Problem (400)."""
    sent = request.headers.getlist("idempotency-key")
    if not sent and dry_run:
        return ""
    if not sent:
        raise Problem(
            "key-missing",
            "The header Idempotency-Key is missing. Send a new random UUID, and the same one with each retry.",
        )
    if len(sent) > 1:
        raise Problem("key-missing", f"Send Idempotency-Key once; this request has {len(sent)}.")
    written = sent[0].strip(" \t")
    quoted = len(written) > 1 and written[0] == written[-1] == '"'
    key = re.sub(r"\\(.)", r"\1", written[1:-1]) if quoted else written
    if not _KEY.fullmatch(key):
        raise Problem("key-missing", "The header Idempotency-Key is invalid. Send 1 to 200 visible ASCII characters.")
    if redact_keys(key) != key:
        raise Problem(
            "key-missing", "The header Idempotency-Key contains an API key. Send another value: it is stored for good."
        )
    return "" if dry_run else key


async def _expected_positions(request: Request, kind: Kind, stream: str) -> dict[str, set[int]]:
    """Return the positions at which the stream may be for the append, from If-Match or If-None-Match.

    Tags whose history is not that of the record are ignored. If no tag is left, the set is empty, and the recorder
    refuses the append as Stale. Only `If-Match: *` gives no entry: then the stream may be at any position.
    """
    if _opens(request):
        return {stream: {0}}
    match = _if_match(request)
    if match == "*":
        return {}
    present = etags.representation_part(STORED[kind].representation)
    named = [state for state in etags.named_states(match) if state.representation == present][:_MAX_TAGS]
    histories = await _histories(request, [state.position for state in named])
    return {stream: {state.position for state in named if histories.get(state.position) == state.history}}


async def _tag(request: Request, kind: Kind, position: int) -> str:
    """Return the ETag of a stream at a position of the record."""
    history = (await _histories(request, [position]))[position]
    return etags.etag(position, history, STORED[kind].representation)


async def _histories(request: Request, positions: Sequence[int]) -> dict[int, str]:
    """Return the part of an ETag that identifies the history, by position. Positions beyond the head are omitted."""
    whole: Responder = request.app.state.responder
    responder, head = await whole.for_reader(negotiation.Request(request.scope, request.receive))
    rank = responder.rank_at(head)

    def read(engine: Engine) -> dict[int, str]:
        with connection(engine) as c:
            found = {position: events.chain_hash_at(c, position) for position in positions}
        return {position: etags.history(head, position, hash, rank) for position, hash in found.items() if hash}

    return await responder.follower.read(read) if positions else {}


def _opens(request: Request) -> bool:
    """Return whether the request opens a stream that must not be on record yet (`If-None-Match: *`)."""
    return request.headers.get("if-none-match", "").strip() == "*"


def _if_match(request: Request) -> str:
    """Return the tags of all headers `If-Match`. Empty without one."""
    return ",".join(request.headers.getlist("if-match")).strip()


async def _precondition_problem(request: Request, kind: Kind, stale: Stale) -> Problem:
    """Return the problem for a stream that is not at an expected position, with its present ETag."""
    match = _if_match(request)
    if not match and not _opens(request):
        return Problem("precondition-required", "If-Match is missing. Send the ETag of the state that you read.")
    if not stale.position:
        return Problem("stale", f"{stale.stream} is not on record yet. To open it, send If-None-Match: *.")
    current = await _tag(request, kind, stale.position)
    if _opens(request):
        why = f"{stale.stream} is already on record. To append to it, send its ETag in If-Match."
    else:
        positions = (await _expected_positions(request, kind, stale.stream))[stale.stream]
        why = _mismatch(match, kind, stale, current, positions)
    return Problem("stale", why, headers={"ETag": current}, etag=current)


def _mismatch(match: str, kind: Kind, stale: Stale, current: str, positions: Iterable[int]) -> str:
    """Return why no tag in `If-Match` is that of the present state. `positions`: the positions of the valid tags."""
    states, shown = etags.named_states(match), match if len(match) <= _MAX_SHOWN else f"{match[:_MAX_SHOWN]}…"
    present = etags.representation_part(STORED[kind].representation)
    if not any(state.representation == present for state in states):
        other = "a representation other than the present JSON" if states else "no state of the record"
        return f"If-Match names {other}: {shown}. Send the ETag of {stale.stream} as JSON, with its quotes: {current}."
    earlier = [position for position in positions if position < stale.position]
    if earlier:
        return (
            f"{stale.stream} has changed since position {max(earlier)} and is now at {stale.position}. Read it again."
        )
    return f"{stale.stream} is at position {stale.position} and was never in the state that If-Match names: {shown}."
