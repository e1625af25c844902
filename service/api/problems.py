"""Map exceptions to HTTP errors: a status, a problem type, and a problem document (RFC 9457). No other module does.

`ROWS` has a row for each exception. A test fails if an exception of the domain has none. The texts of the types are in
`problem_types.py` and are served at `/problems/<name>`.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from service.api.problem_types import PROBLEM_TYPES
from service.domain import errors
from service.domain.errors import NotAllowed, Refusal, Refused
from service.follower import TooManyWaiters
from service.projections.document import Document
from service.recorder import EarlierReleaseRuns, KeyReused, Overloaded, Stale, WithheldConflict
from service.store.engine import DatabaseUnavailable
from service.store.keys import redact_keys

MEDIA_TYPE: Final = "application/problem+json"
RETRY_SECONDS: Final = 2
_UPGRADE_SECONDS: Final = 10
MAX_MISTAKES: Final = 1_000
"""The most mistakes that a response lists. A hostile body can have millions."""

ROWS: Final[Mapping[type[Exception], tuple[int, str]]] = {
    errors.NotAllowed: (409, "not-allowed"),
    errors.NotOpened: (409, "not-opened"),
    errors.AlreadyOpened: (409, "already-opened"),
    errors.IrritantClosed: (409, "irritant-closed"),
    errors.NotAReversal: (409, "not-a-reversal"),
    errors.NotClosed: (409, "not-closed"),
    errors.NotYoursToWithdraw: (409, "not-yours-to-withdraw"),
    errors.UndatedFall: (409, "undated-fall"),
    errors.NoSuchHold: (409, "no-such-hold"),
    errors.OutOfTurn: (409, "out-of-turn"),
    errors.Changed: (409, "changed"),
    errors.NotValid: (422, "not-valid"),
    errors.Malformed: (422, "malformed"),
    errors.UnknownSource: (422, "unknown-source"),
    errors.ParagraphBeyondSource: (422, "paragraph-beyond-source"),
    errors.UnknownOrigin: (422, "unknown-origin"),
    errors.OriginOfAnotherParty: (422, "origin-of-another-party"),
    errors.OriginTaken: (422, "origin-taken"),
    errors.UnknownTarget: (422, "unknown-target"),
    errors.NotATarget: (422, "not-a-target"),
    errors.UnknownProposal: (422, "unknown-proposal"),
    errors.UnknownStep: (422, "unknown-step"),
    errors.UnknownItem: (422, "unknown-item"),
    errors.ItemTaken: (422, "item-taken"),
    errors.UnknownMember: (422, "unknown-member"),
    errors.UnknownActor: (422, "unknown-actor"),
    errors.UnknownReport: (422, "unknown-report"),
    errors.ReportOfAnotherRelation: (422, "report-of-another-relation"),
    errors.AlreadyAttributed: (422, "already-attributed"),
    errors.NotAParty: (422, "not-a-party"),
    errors.NotByAParty: (422, "not-by-a-party"),
    errors.OtherRelation: (422, "other-relation"),
    errors.WrongStream: (422, "wrong-stream"),
    errors.NotAStream: (422, "not-a-stream"),
    errors.Cycle: (422, "cycle"),
    errors.UnknownLabel: (422, "unknown-label"),
    errors.LabelTooLow: (422, "label-too-low"),
    errors.TooOpen: (422, "too-open"),
    errors.NothingNew: (422, "nothing-new"),
    KeyReused: (422, "key-reused"),
    Stale: (412, "stale"),
    WithheldConflict: (409, "withheld-conflict"),
    EarlierReleaseRuns: (503, "earlier-release"),
    Overloaded: (503, "overloaded"),
    TooManyWaiters: (503, "too-many-waiters"),
    DatabaseUnavailable: (503, "database-unavailable"),
}

PROTOCOL_STATUS: Final[Mapping[str, int]] = {
    "malformed-json": 400,
    "key-missing": 400,
    "malformed-header": 400,
    "malformed-request": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not-found": 404,
    "method-not-allowed": 405,
    "not-acceptable": 406,
    "slow-body": 408,
    "slow-head": 408,
    "gone": 410,
    "body-too-large": 413,
    "not-json": 415,
    "unknown-parameter": 422,
    "malformed-parameter": 422,
    "precondition-required": 428,
    "too-many-requests": 429,
    "head-too-large": 431,
    "server-failure": 500,
    "outcome-unknown": 503,
    "not-ready": 503,
}

STATUS: Final[Mapping[str, int]] = {**PROTOCOL_STATUS, **{name: status for status, name in ROWS.values()}}

_FRAMEWORK_PROBLEMS: Final[Mapping[int, str]] = {404: "not-found", 405: "method-not-allowed", 413: "body-too-large"}
"""The problem type for each status that the framework raises itself."""


class Mistake(Document):
    """One mistake, with its place: a JSON Pointer into the body, or the name of a query parameter."""

    pointer: str | None = Field(default=None, description="JSON Pointer (RFC 6901) to the place in the body")
    parameter: str | None = Field(default=None, description="the query parameter, if the mistake is in one")
    type: str | None = Field(default=None, description="the problem type of this mistake")
    detail: str


class ProblemDocument(Document):
    """The reason why a request was refused (RFC 9457). Nothing was written."""

    type: str = Field(description="`/problems/<name>`, the page that explains this type of problem")
    title: str
    status: int
    detail: str
    errors: tuple[Mistake, ...] | None = Field(default=None, description="every mistake, each with its place")
    rung: str | None = Field(default=None, description="the rung of the irritant at the date of the refused event")
    allowed: tuple[str, ...] | None = Field(default=None, description="the types of event that are allowed there")
    etag: str | None = Field(default=None, description="the ETag of the present state")
    report: str | None = Field(default=None, description="the report that was recorded with this idempotency key")
    start_over: str | None = Field(default=None, description="the address from which to read the record again")
    instead: tuple[str, ...] | None = Field(
        default=None, description="addresses that this limited key can read instead"
    )


def _redacted(mistake: Mistake) -> Mistake:
    return mistake.model_copy(update={name: redact_keys(text) for name, text in mistake if isinstance(text, str)})


def _prefixed(document: ProblemDocument, prefix: str) -> ProblemDocument:
    """Return a copy in which every address begins with the prefix."""
    changed: dict[str, Any] = {
        name: prefix + address
        for name in ("type", "report", "start_over")
        if (address := getattr(document, name)) is not None
    }
    if document.instead is not None:
        detail = document.detail
        for address in document.instead:
            detail = detail.replace(address, prefix + address)
        changed |= {"detail": detail, "instead": tuple(prefix + address for address in document.instead)}
    if document.errors is not None:
        of_kind = (m.model_copy(update={"type": prefix + m.type}) if m.type else m for m in document.errors)
        changed["errors"] = tuple(of_kind)
    return document.model_copy(update=changed)


class Problem(Exception):
    """An error to send, with its problem type (`name`). API keys in its texts are redacted.

    `members` are further fields of ProblemDocument. `response` renders it as JSON. `web` renders it as a page.
    """

    def __init__(
        self,
        name: str,
        detail: str,
        *,
        errors: Iterable[Mistake] = (),
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        self.name, self.status, self.headers = name, STATUS[name], dict(headers or {})
        if self.status == 503:
            self.headers.setdefault("Retry-After", str(RETRY_SECONDS))
        self.document = ProblemDocument.model_validate(
            {
                "type": f"/problems/{name}",
                "title": PROBLEM_TYPES[name].title,
                "status": self.status,
                "detail": redact_keys(detail),
                "errors": tuple(map(_redacted, errors)) or None,
                **members,
            }
        )
        super().__init__(self.document.detail)

    def content(self, prefix: str = "") -> tuple[dict[str, str], bytes]:
        """Return all headers and the JSON body. `prefix` is the path that the service is served below."""
        document = _prefixed(self.document, prefix) if prefix else self.document
        body = json.dumps(document.model_dump(exclude_none=True), ensure_ascii=False, separators=(",", ":"))
        # UTF-8 cannot encode half of a surrogate pair, which a pointer can contain if the client sent one.
        raw = body.encode(errors="replace")
        sent = {"Content-Type": MEDIA_TYPE, "Content-Length": str(len(raw))}
        return {"Cache-Control": "no-store", **self.headers, **sent}, raw

    def response(self, prefix: str = "") -> Response:
        headers, body = self.content(prefix)
        return Response(body, self.status, headers)


def problem_of(error: Exception) -> Problem:
    """Return the problem for an exception. For an unknown exception this is `server-failure`, without details."""
    match error:
        case Problem():
            return error
        case Refused():
            return _refused(error)
        case Refusal():
            return _refused(Refused([error]))
        case KeyReused():
            detail = "This Idempotency-Key was used for a report with another body. Send a new report with a new key."
            if error.is_withheld:
                return Problem("key-reused", detail)
            return Problem("key-reused", detail, report=f"/v1/reports/{error.first.id}")
        case Stale():
            return Problem("stale", f"{error.stream} has changed since you read it. Read it again.")
        case EarlierReleaseRuns():
            # Not 409: the report is right, and clients that retry 503 succeed once the upgrade is complete.
            detail = f"{error}, and send the report again with the same Idempotency-Key. Nothing was written."
            return Problem("earlier-release", detail, headers={"Retry-After": str(_UPGRADE_SECONDS)})
        case HTTPException(status_code=status) if status in _FRAMEWORK_PROBLEMS:
            return _of_type(_FRAMEWORK_PROBLEMS[status], error.headers)
        case WithheldConflict() | Overloaded() | TooManyWaiters() | DatabaseUnavailable():
            return _of_type(ROWS[type(error)][1])
        case _:
            return _of_type("server-failure")


def _of_type(name: str, headers: Mapping[str, str] | None = None) -> Problem:
    return Problem(name, PROBLEM_TYPES[name].text, headers=headers)


def _refused(refused: Refused) -> Problem:
    refusals, standing = refused.refusals, refused.standing
    names = {ROWS[type(refusal)][1] for refusal in refusals}
    if len(names) == 1:
        name = names.pop()
    else:
        name = "not-allowed" if all(isinstance(r, NotAllowed) for r in refusals) else "not-valid"
    detail = (
        refusals[0].detail
        if len(refusals) == 1
        else f"{len(refusals)} mistakes. Nothing was written. Correct them and send the report again."
    )
    members: dict[str, Any] = {"rung": standing.rung, "allowed": standing.allowed} if standing else {}
    return Problem(name, detail, errors=map(_mistake, refusals[:MAX_MISTAKES]), **members)


def _mistake(refusal: Refusal) -> Mistake:
    return Mistake(pointer=refusal.pointer, type=f"/problems/{ROWS[type(refusal)][1]}", detail=refusal.detail)
