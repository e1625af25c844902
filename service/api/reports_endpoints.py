"""The endpoints that file a report, or append one event, which is a report with one event.

The checks come in this order: permissions (401, 403), form of the request, idempotency, preconditions, rules of the
domain. The recorder makes the last three in the transaction of the append, so that nothing changes in between.
"""

import re
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError
from sqlalchemy import Engine
from starlette.responses import Response

from service.api import body, etags
from service.api.limits import within_limits
from service.api.openapi import SCHEMAS, examples
from service.api.parameters import Query, described, parse
from service.api.problems import Problem
from service.api.reports_filing import (
    ReportPreview,
    ReportReceipt,
    answered,
    file,
    previewed,
    refuse_relation,
    reporter,
)
from service.domain.catalogue import EVENT_TYPES, Kind
from service.domain.errors import Malformed, Refused
from service.domain.streams import parse_stream
from service.follower import Follower
from service.projections.stored import STORED
from service.recorder import Stale
from service.store import events
from service.store.engine import connection
from service.store.keys import redact_keys


class _FilingRoute(APIRoute):
    """A route that calls its endpoint directly. Resolving dependencies takes a twentieth of the time of a report."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        async def handler(request: Request) -> Response:
            await within_limits(request)
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
"""The number of tags in `If-Match` that are looked up, since each takes a query."""


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise PydanticCustomError("truth", "must be true or false")
    return text == "true"


class Filing(Query):
    """The parameters of filing."""

    dry_run: Annotated[
        bool,
        BeforeValidator(_truth),
        Field(description="answer what the report would change, and write nothing; needs no Idempotency-Key"),
    ] = False


def _contract(operation: str, schema: str, example: dict[str, Any]) -> dict[str, Any]:
    """Return the contract of an endpoint, because the framework does not know the body that is parsed by hand."""
    content = {"schema": {"$ref": f"{SCHEMAS}{schema}"}, "example": example}
    return {
        "operation_id": operation,
        "status_code": 201,
        "response_model": None,
        "responses": {
            200: {
                "model": ReportPreview,
                "description": "A preview: what the report would change. Nothing was written.",
            },
            201: {"model": ReportReceipt, "description": "The report is on record."},
        },
        "openapi_extra": {
            "parameters": described("", Filing),
            "requestBody": {"required": True, "content": {"application/json": content}},
        },
    }


@router.post("/v1/reports", **_contract("file_report", "Report", examples.REPORT))
async def file_report(request: Request) -> Response:
    """File a report: events for several streams, recorded together or not at all."""
    reporter(request)
    dry_run = parse(Filing, request.scope["query_string"]).dry_run
    key = _key(request, dry_run=dry_run)
    read = await body.read(request, body.REPORT_LIMIT)
    receipt = await file(request, read, key, dry_run=dry_run)
    return previewed(receipt) if dry_run else await answered(request, receipt)


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
    access = reporter(request)
    stream = f"{kind}/{member}"
    name = parse_stream(stream)
    if name is None or name.relation is None:
        raise Problem(
            "not-found",
            f"{member} is not a valid id. Use lower-case letters, digits and hyphens, such as {_EXAMPLES[kind]}.",
        )
    refuse_relation(access, name.relation)
    dry_run = parse(Filing, request.scope["query_string"]).dry_run
    key = _key(request, dry_run=dry_run)
    read = await body.read(request)
    report = _of_one_event(stream, name.relation, read)
    seen = await _seen(request, kind, stream)
    try:
        receipt = await file(request, report, key, seen=seen, dry_run=dry_run)
    except Refused as refused:
        for refusal in refused.refusals:
            refusal.pointer = refusal.pointer.removeprefix("/events").removeprefix("/0")
        raise
    except Stale as stale:
        raise await _precondition_problem(request, kind, stale) from None
    if dry_run:
        return previewed(receipt)
    answer = await answered(request, receipt)
    answer.headers["ETag"] = await _tag(request, kind, receipt.events[-1].position)
    return answer


def _of_one_event(stream: str, relation: str, read: body.Body) -> body.Body:
    """Return the body of a report with one event, with the mistakes at their places in that report."""
    mistakes = [Malformed(f"/events/0{m.pointer}", why=str(m.facts["why"])) for m in read.mistakes]
    event, type = read.value, "event"
    if isinstance(event, dict):
        not_here = event.keys() & {"stream", "ref"}
        mistakes += [
            Malformed(
                f"/events/0/{field}", why="is allowed only in reports, because the address names the stream; remove it"
            )
            for field in not_here
        ]
        event = {**event, "stream": stream}
        event.pop("ref", None)
        type = next((type for type in EVENT_TYPES if type == event.get("type")), type)
    return body.Body({"relation": relation, "title": f"{type} on {stream}", "events": [event]}, tuple(mistakes))


def _key(request: Request, *, dry_run: bool) -> str:
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


async def _seen(request: Request, kind: Kind, stream: str) -> dict[str, set[int]]:
    """Return the positions of the stream that If-Match or If-None-Match name.

    A tag is ignored if its history is not that of the record.
    """
    if _opens(request):
        return {stream: {0}}
    match = _if_match(request)
    if match == "*":
        return {}
    named = etags.form(STORED[kind].representation)
    shown = [seen for seen in etags.seen(match) if seen.form == named][:_MAX_TAGS]
    known = await _histories(request, [seen.position for seen in shown])
    return {stream: {seen.position for seen in shown if known.get(seen.position) == seen.history}}


async def _tag(request: Request, kind: Kind, position: int) -> str:
    """Return the entity tag of a stream at a position that is on record."""
    history = (await _histories(request, [position]))[position]
    return etags.etag(position, history, STORED[kind].representation)


async def _histories(request: Request, positions: Sequence[int]) -> dict[int, str]:
    """Return the part of a tag that identifies the history, by position. Positions beyond the head are omitted."""
    follower: Follower = request.app.state.follower
    record = (await follower.head()).record

    def read(engine: Engine) -> dict[int, str]:
        with connection(engine) as c:
            found = {position: events.chain_hash_at(c, position) for position in positions}
        return {position: etags.history(record, position, hash) for position, hash in found.items() if hash}

    return await follower.read(read) if positions else {}


def _opens(request: Request) -> bool:
    return request.headers.get("if-none-match", "").strip() == "*"


def _if_match(request: Request) -> str:
    return ",".join(request.headers.getlist("if-match")).strip()


async def _precondition_problem(request: Request, kind: Kind, stale: Stale) -> Problem:
    match = _if_match(request)
    if not match and not _opens(request):
        return Problem("precondition-required", "If-Match is missing. Send the ETag of the state that you read.")
    if not stale.position:
        return Problem("stale", f"{stale.stream} is not on record yet. To open it, send If-None-Match: *.")
    current = await _tag(request, kind, stale.position)
    if _opens(request):
        why = f"{stale.stream} is already on record. To append to it, send its ETag in If-Match."
    else:
        positions = (await _seen(request, kind, stale.stream))[stale.stream]
        why = _mismatch(match, kind, stale, current, positions)
    return Problem("stale", why, headers={"ETag": current}, etag=current)


def _mismatch(match: str, kind: Kind, stale: Stale, current: str, positions: Iterable[int]) -> str:
    """Explain why no tag in `If-Match` names the present state. `positions`: those of this record that it names."""
    seen, shown = etags.seen(match), match if len(match) <= _MAX_SHOWN else f"{match[:_MAX_SHOWN]}…"
    if not any(one.form == etags.form(STORED[kind].representation) for one in seen):
        other = "a representation other than the present JSON" if seen else "no state of the record"
        return f"If-Match names {other}: {shown}. Send the ETag of {stale.stream} as JSON, with its quotes: {current}."
    earlier = [position for position in positions if position < stale.position]
    if earlier:
        return (
            f"{stale.stream} has changed since position {max(earlier)} and is now at {stale.position}. Read it again."
        )
    return f"{stale.stream} is at position {stale.position} and was never in the state that If-Match names: {shown}."
