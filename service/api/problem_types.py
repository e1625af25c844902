"""The texts of the problem types: a title, and an explanation with the remedy for the page `/problems/<name>`."""

from typing import Final, NamedTuple


class ProblemType(NamedTuple):
    """`title` is sent in every response of this type. `text` says what is wrong, what is allowed and what to do."""

    title: str
    text: str


PROBLEM_TYPES: Final[dict[str, ProblemType]] = {
    # The report contradicts what is on record: 409.
    "not-allowed": ProblemType(
        "The record does not allow this now",
        "Several events of the report contradict the record. Each is listed with the reason. Nothing was written, not"
        " even the other events. Correct the events that are listed and send the report again.",
    ),
    "not-opened": ProblemType(
        "Not on record yet",
        "An irritant, a relation or a source must be opened before other events about it: file IrritantOpened,"
        " RelationOpened or SourceRegistered first. A round begins with its announcement, its date or its opening. The"
        " first event may be in the same report.",
    ),
    "already-opened": ProblemType(
        "Already on record",
        "This is on record already and cannot be opened again. If its title or another detail is wrong, correct the"
        " event that opened it.",
    ),
    "irritant-closed": ProblemType(
        "The irritant is closed",
        "Both sides say that the irritant is resolved, so they can make no further claims about it. If a side takes it"
        " up again, file IrritantReopened. If the resolution was filed by mistake, retract it.",
    ),
    "not-a-reversal": ProblemType(
        "Not a reversal",
        "A reversal or a reopening goes back to a rung below resolved. Choose a lower rung. If the record itself was"
        " wrong, file a correction or a retraction instead. Those do not count as regressions.",
    ),
    "not-closed": ProblemType(
        "The side does not say that it is settled",
        "A side can reopen an irritant only after it has itself declared it resolved. At the date of this event it had"
        " not. File what the side says now, or that it went back (ProgressReversed).",
    ),
    "not-yours-to-withdraw": ProblemType(
        "Nothing to withdraw",
        "A side can withdraw an irritant only if it has raised it before. This side has not. Correct the side, or file"
        " what it says now.",
    ),
    "undated-fall": ProblemType(
        "A reversal needs a date",
        "A reversal, a reopening, a withdrawal and the lifting of a hold change what was said before them. Events"
        " without a date come first in the order of events, so this one would change nothing. Give `occurred`, or name"
        " in `after` an event that came before it.",
    ),
    "no-such-hold": ProblemType(
        "No such hold",
        "A side can lift a hold that it placed itself. It can also report that the other side lifted a hold, if it"
        " reported that hold before. This side has placed and reported none. File the hold first, or change the side.",
    ),
    "out-of-turn": ProblemType(
        "Round events out of order",
        "A round is announced, scheduled, convened and concluded, in this order. Steps may be left out. If another"
        " document reports a step that is on record, file it as evidence (EvidenceAdded).",
    ),
    "changed": ProblemType(
        "Version conflict",
        "The report expected another version of a stream than the record has now. Read what was recorded since,"
        " then file again with the new version. A dry run shows the state before and after.",
    ),
    # The report is wrong by itself: 422.
    "not-valid": ProblemType(
        "Mistakes in the report",
        "Every mistake is listed, with a JSON Pointer to its place. Nothing was written. Correct the mistakes and send"
        " the report again. It can have the same Idempotency-Key.",
    ),
    "malformed": ProblemType(
        "A field is missing, unknown or invalid",
        "Correct the field that the pointer names. Numbers are not accepted as text, and unknown fields are not"
        " ignored.",
    ),
    "unknown-source": ProblemType(
        "The source is not registered",
        "Every assertion cites a source that is on record. Register the source once (SourceRegistered), before this"
        " report or earlier in it.",
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
    "unknown-label": ProblemType(
        "Unknown handling label",
        "The record has no such handling label, or it is above the clearance of your key. Use a label that is listed."
        " The owner of the record registers labels.",
    ),
    "label-too-low": ProblemType(
        "Handling label too low",
        "An event is at least as restricted as what it depends on: its target, what it cites, what it names, and the"
        " opening of its irritant or round. Use a label that is listed, or leave it out.",
    ),
    "too-open": ProblemType(
        "Another event depends on it",
        "With this change, more readers would see an event than one on which it depends. Change the labels of both in"
        " the same report.",
    ),
    "withheld-conflict": ProblemType(
        "In conflict with what is withheld from you",
        "The report is right as far as your key can see, but it contradicts events that are withheld from it. Nothing"
        " was written. Ask someone with a higher clearance to file it.",
    ),
    "origin-taken": ProblemType(
        "The name of the origin is taken",
        "The name of an origin is unique in the whole record. Cite the existing origin, or choose another name.",
    ),
    "unknown-target": ProblemType(
        "No such event",
        "The event names another event that does not exist on its stream. Give its id, its stream@version, or, if it is"
        " in the same report, its ref.",
    ),
    "not-a-target": ProblemType(
        "This event cannot be named here",
        "The named event exists, but it was retracted, is a correction or a retraction itself, or has the wrong type."
        " Name another event.",
    ),
    "unknown-proposal": ProblemType(
        "No such proposal",
        "An answer names the proposal that it answers. That proposal must be on record and not retracted. Correct the"
        " name, or file the proposal first.",
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
        "The event or the report names a round or an irritant that is not on record. Correct the name, or file the"
        " events that open this round or irritant first.",
    ),
    "unknown-actor": ProblemType(
        "The organisation is not registered",
        "A state is named by its two-letter code. An organisation or a former state must be registered once"
        " (ActorRegistered, on the stream actor/<slug>), before this report or earlier in it.",
    ),
    "unknown-report": ProblemType(
        "No such report",
        "An attribution names a report by its id, which the receipt and the list of reports show. That report must be"
        " on record.",
    ),
    "report-of-another-relation": ProblemType(
        "The report is on another relation",
        "A report belongs to a round of its own relation. Attribute it on the stream of that relation.",
    ),
    "already-attributed": ProblemType(
        "The report is on this round already",
        "The report names this round, or was attributed to it before. There is nothing to add.",
    ),
    "not-a-party": ProblemType(
        "Not a party of the relation",
        "Third parties may speak about an irritant. Only the two parties of the relation can be named in this field."
        " Name one of them.",
    ),
    "not-by-a-party": ProblemType(
        "Only a party can assert this",
        "This type of event changes a party's own position. Only a party, or both jointly, can assert it.",
    ),
    "other-relation": ProblemType(
        "Belongs to another relation",
        "A report is about one relation. File events about another relation in another report. Sources belong to no"
        " relation and fit into every report.",
    ),
    "wrong-stream": ProblemType(
        "Wrong kind of stream",
        "Each type of event belongs to one kind of stream: irritant, round, relation or source. The API documentation"
        " lists the types of each kind.",
    ),
    "not-a-stream": ProblemType(
        "Not the name of a stream",
        "The name of a stream has a form like irritant/ru-us/banking-access, round/ru-us/istanbul-april, relation/ru-us"
        " or source/ministry-briefing. A relation is two country codes in lower case, in alphabetical order.",
    ),
    "cycle": ProblemType(
        "Events that follow each other",
        "With this correction two events would each come after the other. Correct one of them.",
    ),
    "nothing-new": ProblemType(
        "Nothing new",
        "Everything that the report registers is already on record with the same words. You need not file it.",
    ),
    # The request: its form, its sender, and the state of the service.
    "malformed-json": ProblemType(
        "Invalid JSON",
        "The body must be strict JSON in UTF-8. The line and the column show the first mistake. Correct it and send the"
        " request again.",
    ),
    "key-missing": ProblemType(
        "Idempotency-Key missing or invalid",
        "Send one header Idempotency-Key with each report, so that a retry is recorded once: 1 to 200 visible"
        " ASCII characters, for example a random UUID. A dry run needs none.",
    ),
    "malformed-header": ProblemType(
        "Invalid header",
        "A header of the request does not have the form that its specification requires. The detail names the header"
        " and shows a valid value.",
    ),
    "malformed-request": ProblemType(
        "Invalid HTTP request",
        "The bytes are not a request of HTTP/1.1 (RFC 9112), or can be read as two different requests. Nothing"
        " was done, and the connection is closed.",
    ),
    "head-too-large": ProblemType(
        "Address and headers too large",
        "The address and the headers of a request may have 64 KiB together. Send fewer or shorter headers. The"
        " connection is closed.",
    ),
    "slow-head": ProblemType(
        "Address and headers too slow",
        "The address and the headers of a request must arrive within 20 seconds. The connection is closed. Send the"
        " request again.",
    ),
    "key-reused": ProblemType(
        "Idempotency-Key used for another report",
        "A retry has the same key and the same body, and gets the first receipt again. This body is different. Send a"
        " new report with a new key.",
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
        "The service has no such address, or nothing is on record there. Check the address, and the point in time if"
        " the query names one. The page /docs lists all addresses of the API. `POST /v1/test/reset` is an address"
        " only in test mode (`IRRITANTS_TEST_MODE=true`).",
    ),
    "method-not-allowed": ProblemType(
        "Method not allowed",
        "This address does not take the method of the request. Use one of those in the header Allow.",
    ),
    "not-acceptable": ProblemType(
        "Media type not available",
        "This resource is not available in any media type of the header Accept. Send one of those that the detail"
        " lists.",
    ),
    "slow-body": ProblemType(
        "Body too slow",
        "The body did not arrive within 20 seconds. Nothing was written. Send it again.",
    ),
    "gone": ProblemType(
        "The record is not the one that you read before",
        "The position is beyond the end of the record, or `log` belongs to another history. The record was restored"
        " from an older copy, or it is another record. The events that you have may differ from it, so read it again"
        " from the address in `start_over`.",
    ),
    "body-too-large": ProblemType(
        "Body too large",
        "A body may have 1 MiB, a report 16 MiB and 10,000 events, a form 4 MiB. Divide a long report into several.",
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
        "Each invalid parameter is listed with the values that it takes. Correct it.",
    ),
    "stale": ProblemType(
        "Changed since you read it",
        "If-Match names an earlier state. Read the present state, check that your event still fits, and send the new"
        " ETag. If you sent If-None-Match: *, another report has opened it first.",
    ),
    "precondition-required": ProblemType(
        "If-Match missing",
        "To append one event, send the ETag of the state that you read, in If-Match. To open something that is"
        " not on record yet, send If-None-Match: *. Reports need neither header.",
    ),
    "too-many-requests": ProblemType(
        "Rate limit exceeded",
        "This key has used up its responses for this minute, or too many sign-ins from this address have failed. Retry"
        " after the seconds in Retry-After. Unchanged responses are not counted: send If-None-Match.",
    ),
    "server-failure": ProblemType(
        "Internal error",
        "This is a defect of the service. Give the operator the header X-Request-Id: it identifies the lines in"
        " the log.",
    ),
    "earlier-release": ProblemType(
        "An earlier release is still running",
        "The report has an event of a type, a version or a stream that an earlier release cannot read, and a process of"
        " that release still runs on this record. It would answer 503 to reads. Nothing was written. Stop the processes"
        " of the earlier release. Then send the report again with the same Idempotency-Key; no restart is needed."
        " Reports that the earlier release can read are accepted meanwhile.",
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
        "As many requests are waiting for a change as the service allows. Send the request without `Prefer: wait`, or"
        " retry later.",
    ),
    "not-ready": ProblemType(
        "Not ready",
        "The service cannot read the record now. The detail says why. It checks again with each request.",
    ),
}
