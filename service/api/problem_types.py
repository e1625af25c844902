"""The text of each problem type: its title, and its meaning and remedy on the page `/problems/<name>`."""

from typing import Final, NamedTuple


class ProblemType(NamedTuple):
    """`title` is the same in every response of this type. `text` says what is wrong, what is allowed and what to do."""

    title: str
    text: str


PROBLEM_TYPES: Final[dict[str, ProblemType]] = {
    # The report contradicts what is on record: 409.
    "not-allowed": ProblemType(
        "The record does not allow this now",
        "Several events of the report are not allowed at their places. Each is listed with the reason. Nothing"
        " was written, not even the events that were allowed.",
    ),
    "not-opened": ProblemType(
        "Not on record yet",
        "A stream begins with the event that opens it: IrritantOpened, RelationOpened or SourceRegistered. A"
        " round begins with its announcement, its date or its opening. File that event first; it may be in the"
        " same report.",
    ),
    "already-opened": ProblemType(
        "Already on record",
        "This was opened before and cannot be opened again. If its title or another detail is wrong, correct the"
        " event that opened it.",
    ),
    "irritant-closed": ProblemType(
        "The irritant is closed",
        "A resolved irritant takes no further claims of the sides. Where a side takes it up again, that is"
        " IrritantReopened; where the closing was filed by mistake, retract it.",
    ),
    "not-a-reversal": ProblemType(
        "Not a reversal",
        "A reversal or a reopening goes back to a rung below resolved. Where the record itself was wrong, correct or"
        " retract instead: that is no regression.",
    ),
    "not-closed": ProblemType(
        "The side does not say that it is settled",
        "A side reopens what it has itself declared settled. At that point of the world's order it had not; file what"
        " it says now, or ProgressReversed.",
    ),
    "not-yours-to-withdraw": ProblemType(
        "Nothing to withdraw",
        "A side withdraws what it has said itself. The other side may contest it, or report it resolved.",
    ),
    "undated-fall": ProblemType(
        "A reversal needs its place in time",
        "A reversal, a reopening, a withdrawal and the lifting of a hold take effect from their place in the order of"
        " the world. Without a date they would come first and change nothing: give `occurred`, or name in `after` the"
        " event that they came after.",
    ),
    "no-such-hold": ProblemType(
        "No such hold",
        "Each side lifts the hold that it placed itself, or reports that the hold of the other side which it had"
        " reported is lifted. This side has done neither.",
    ),
    "out-of-turn": ProblemType(
        "Round events out of order",
        "A round is announced, scheduled, convened and concluded, in this order; steps may be left out. If"
        " another document reports the same step, file it as evidence (EvidenceAdded).",
    ),
    "changed": ProblemType(
        "Version conflict",
        "The report expected another version of a stream than the record has now. Read what was recorded since,"
        " then file again with the new version. A dry run shows the state before and after.",
    ),
    # The report is wrong by itself: 422.
    "not-valid": ProblemType(
        "Mistakes in the report",
        "Every mistake is listed, with a JSON Pointer to its place. Nothing was written, and the idempotency key"
        " is not used up. Correct the mistakes and send the report again with the same key.",
    ),
    "malformed": ProblemType(
        "A field is missing, unknown or invalid",
        "Correct the field that the pointer names. Input is read strictly: a number is not accepted as text, and"
        " an unknown field is not ignored.",
    ),
    "unknown-source": ProblemType(
        "The source is not registered",
        "Every assertion cites a source. Register it once (SourceRegistered), before this report or earlier in it.",
    ),
    "paragraph-beyond-source": ProblemType(
        "The source has no such paragraph",
        "Paragraphs are the lines of a document that are not blank, counted from 1. If the registered number of"
        " paragraphs is wrong, correct the registration.",
    ),
    "unknown-origin": ProblemType(
        "The origin is not registered",
        "Every assertion names its origin: the statement that the document relays. Register it (OriginRegistered)"
        " with the document that contains it. Documents that relay the same statement share one origin.",
    ),
    "origin-of-another-party": ProblemType(
        "The origin belongs to another party",
        "An origin belongs to the party that made the statement. If another party said the same, register a"
        " second origin.",
    ),
    "origin-taken": ProblemType(
        "The name of the origin is taken",
        "The name of an origin is unique in the whole record. Cite the existing origin, or choose another name.",
    ),
    "unknown-target": ProblemType(
        "No such event",
        "Name another event by its id, by stream@version, or within a report by its ref. It must be on the same"
        " stream.",
    ),
    "not-a-target": ProblemType(
        "This event cannot be named here",
        "The event exists, but was retracted, is a correction or retraction itself, or has the wrong type.",
    ),
    "unknown-proposal": ProblemType(
        "No such proposal",
        "An answer names the proposal that it answers. That proposal must be on record and not retracted.",
    ),
    "unknown-step": ProblemType(
        "No such next step",
        "A next step is closed by the name under which it was agreed, on the same irritant. Use that name.",
    ),
    "unknown-item": ProblemType(
        "No such item",
        "The status of an item is reported by the name under which the item was added, on the same irritant. Use"
        " that name.",
    ),
    "item-taken": ProblemType(
        "The item is already on record",
        "An item is added once. If another document names it too, file evidence for the first (EvidenceAdded).",
    ),
    "unknown-member": ProblemType(
        "Not on record",
        "The event or the report names a round or an irritant that is not on record. Correct the name, or open it"
        " first.",
    ),
    "unknown-actor": ProblemType(
        "The organisation is not registered",
        "States go by their code. An organisation that speaks or acts is registered once, by ActorRegistered on"
        " actor/<slug>, before or earlier in the same report.",
    ),
    "not-a-party": ProblemType(
        "Not a party of the relation",
        "Third parties may speak about an irritant. Only the two states of the relation can be owner, addressee"
        " or actor, or reverse or hold.",
    ),
    "not-by-a-party": ProblemType(
        "Only a party can assert this",
        "This type of event changes a party's own position. Only a party, or both jointly, can assert it.",
    ),
    "other-relation": ProblemType(
        "Belongs to another relation",
        "A report is about one relation. File events about another relation in a report of their own. Sources"
        " belong to no relation.",
    ),
    "wrong-stream": ProblemType(
        "Wrong kind of stream",
        "Each type of event belongs to irritants, rounds, relations or sources. The API documentation lists the"
        " types of each.",
    ),
    "not-a-stream": ProblemType(
        "Not the name of a stream",
        "Streams are named irritant/ru-us/banking-access, round/ru-us/istanbul-april, relation/ru-us, or source/"
        " and the short name of the document. A relation is two country codes in lower case, in alphabetical"
        " order.",
    ),
    "cycle": ProblemType(
        "Events that follow each other",
        "The correction would put an event after another one that itself follows it. Change the order.",
    ),
    "nothing-new": ProblemType(
        "Nothing new",
        "Everything that the report registers is already on record with the same words. There is nothing to append.",
    ),
    # The request: its form, its sender, and the state of the service.
    "malformed-json": ProblemType(
        "Invalid JSON",
        "The body must be strict JSON in UTF-8. The line and the column show the first place that is wrong.",
    ),
    "key-missing": ProblemType(
        "Idempotency-Key missing or invalid",
        "Send one header Idempotency-Key with each report, so that a retry is recorded once: 1 to 200 visible"
        " ASCII characters, for example a random UUID. A dry run needs none.",
    ),
    "malformed-header": ProblemType(
        "Invalid header",
        "A header of the request does not have the form that RFC 9110, or its own specification, requires.",
    ),
    "malformed-request": ProblemType(
        "Invalid HTTP request",
        "The bytes are not a request of HTTP/1.1 (RFC 9112), or can be read as two different requests. Nothing"
        " was done, and the connection is closed.",
    ),
    "head-too-large": ProblemType(
        "Address and headers too large",
        "The address and the headers of a request may have 64 KiB together. The connection is closed.",
    ),
    "slow-head": ProblemType(
        "Address and headers too slow",
        "The address and the headers of a request must arrive within 20 seconds. The connection is closed.",
    ),
    "key-reused": ProblemType(
        "Idempotency-Key used for another report",
        "A retry needs the same key and the same body, and then gets the first answer again. This body is"
        " different. Send a new report with a new key.",
    ),
    "unauthenticated": ProblemType(
        "Authentication required",
        "Send a valid key in the header Authorization: Bearer irr_…. A key that has expired or was revoked is"
        " refused. Operators make keys with `irritants key create`.",
    ),
    "forbidden": ProblemType(
        "The key does not allow this",
        "The key is valid, but it lacks the scope for this request, or it is limited to other relations."
        " `instead` lists addresses within its limit that answer the same question.",
    ),
    "not-found": ProblemType(
        "Not found",
        "Nothing is on record at this address. Check the address and the point in time that it asks for.",
    ),
    "method-not-allowed": ProblemType(
        "Method not allowed",
        "Use one of the methods in the header Allow.",
    ),
    "not-acceptable": ProblemType(
        "Media type not available",
        "This resource is not available in any media type of the header Accept. The detail lists the media types"
        " to ask for.",
    ),
    "slow-body": ProblemType(
        "Body too slow",
        "The body did not arrive within 20 seconds. Nothing was written. Send it again.",
    ),
    "gone": ProblemType(
        "The record is not the one that you followed",
        "The position is beyond the end of the record, or `log` belongs to another history. The record was"
        " restored from an older copy, or it is another record. What you read since then may be wrong: read again"
        " from the address in `start_over`.",
    ),
    "body-too-large": ProblemType(
        "Body too large",
        "A body may have 1 MiB, a report 16 MiB and 10,000 events, a form 4 MiB. Divide it into several reports.",
    ),
    "not-json": ProblemType(
        "Not sent as JSON",
        "Send the body with Content-Type: application/json, in UTF-8 and without Content-Encoding.",
    ),
    "unknown-parameter": ProblemType(
        "Unknown parameter",
        "Correct or remove the parameter. Unknown parameters are refused, so that a misspelt as_of_position does"
        " not read the present.",
    ),
    "malformed-parameter": ProblemType(
        "Invalid parameter",
        "Each invalid parameter is listed with the values that it takes.",
    ),
    "stale": ProblemType(
        "Changed since you read it",
        "If-Match names an earlier state. Read the present state, decide again, and send its ETag. With"
        " If-None-Match: *, another report has opened it first.",
    ),
    "precondition-required": ProblemType(
        "If-Match missing",
        "To append one event, send the ETag of the state that you read, in If-Match. To open something that is"
        " not on record yet, send If-None-Match: *. Reports need neither header.",
    ),
    "too-many-requests": ProblemType(
        "Rate limit exceeded",
        "The key has used its responses of this minute, or this address had too many failed sign-ins. Retry after"
        " the seconds in Retry-After. Unchanged"
        " responses are not counted: send If-None-Match.",
    ),
    "server-failure": ProblemType(
        "Internal error",
        "This is a defect of the service. Give the operator the header X-Request-Id: it identifies the lines in"
        " the log.",
    ),
    "overloaded": ProblemType(
        "The service is overloaded",
        "The queue of reports is full, or too many large bodies are arriving. Nothing was written. Retry after"
        " the seconds in Retry-After.",
    ),
    "database-unavailable": ProblemType(
        "Database unavailable",
        "The service cannot reach its database, and resumes as soon as it can. If you sent a report, send it"
        " again with the same Idempotency-Key: it is recorded once.",
    ),
    "outcome-unknown": ProblemType(
        "Not known yet whether the report is recorded",
        "The report was accepted, but the outcome was not known in time. Send it again with the same"
        " Idempotency-Key: it is recorded once.",
    ),
    "too-many-waiters": ProblemType(
        "Too many waiting requests",
        "The service holds as many waiting requests as it may. Ask again without `Prefer: wait`, or retry later.",
    ),
    "not-ready": ProblemType(
        "Not ready",
        "The service cannot answer from the record now. The detail gives the reason.",
    ),
}
