"""What each problem means and what to do about it: the texts behind `/problems/<name>`, in one table."""

from typing import Final, NamedTuple


class ProblemType(NamedTuple):
    """`title` is the same in every answer of this name; `text` is for whoever opens the page."""

    title: str
    text: str


PROBLEM_TYPES: Final[dict[str, ProblemType]] = {
    # The rules of the domain, as things stand: 409.
    "not-allowed": ProblemType(
        "Not allowed as things stand",
        "Several of the report's events are not allowed in their places. Each is listed with what stands against"
        " it; nothing was written, also not the events that were allowed.",
    ),
    "not-opened": ProblemType(
        "Nothing is on record there yet",
        "A stream begins with the event that opens it: IrritantOpened, RelationOpened, SourceRegistered, or for a"
        " round whichever of its announcement, its date or its opening is first reported. File that first, in the"
        " same report if you like.",
    ),
    "already-opened": ProblemType(
        "Already on record",
        "What is on record is not opened a second time. If its title or another detail was wrong, correct the"
        " event that opened it.",
    ),
    "irritant-closed": ProblemType(
        "The irritant is closed",
        "A resolved or withdrawn irritant takes no further claims. Where a side takes it up again, that is"
        " IrritantReopened; where the closing was filed by mistake, retract it.",
    ),
    "not-a-reversal": ProblemType(
        "Not a reversal",
        "A reversal says that things went back, so it goes strictly below the rung that was reported in its place"
        " in the order of the world. Where the record itself was wrong, correct or retract instead: that is no"
        " regression.",
    ),
    "not-closed": ProblemType(
        "The irritant is open",
        "Only what was resolved or withdrawn can be reopened. The irritant was open at that point of the world's"
        " order.",
    ),
    "not-yours-to-withdraw": ProblemType(
        "Not this side's to withdraw",
        "An irritant is withdrawn by the side that raised it. The other side may contest it, or report it resolved.",
    ),
    "too-far-to-withdraw": ProblemType(
        "Too far along to be withdrawn",
        "Once both sides are past talks the irritant is no longer one side's to take back; it is resolved, or"
        " progress on it is reversed.",
    ),
    "no-such-hold": ProblemType(
        "No such hold",
        "Each side lifts the hold that it placed itself, and this side has placed none.",
    ),
    "out-of-turn": ProblemType(
        "Out of turn",
        "Rounds are announced, scheduled, convened and concluded in that order, though each step may be skipped."
        " A second report of the same step is evidence for the first: file EvidenceAdded.",
    ),
    "changed": ProblemType(
        "Somebody else was faster",
        "The report expected a stream at a version that it is no longer at. Look at what was recorded since, and"
        " file again with the new version; a dry run shows the new before and after.",
    ),
    # What could not be so, whatever stands: 422.
    "not-valid": ProblemType(
        "Mistakes in what was sent",
        "Every mistake is listed, each with a JSON Pointer to its place. Nothing was written, also not the"
        " idempotency key: mend them and send it again under the same key.",
    ),
    "malformed": ProblemType(
        "Not in the form that it must have",
        "A field is missing, is unknown, or has a value that it cannot have. Input is read strictly: a number is"
        " no string, and a misspelt field is not ignored.",
    ),
    "unknown-source": ProblemType(
        "The document is not registered",
        "Every assertion cites a document. Register it once with SourceRegistered, before or earlier in the same"
        " report.",
    ),
    "paragraph-beyond-source": ProblemType(
        "The document has no such paragraph",
        "Paragraphs are the document's lines that are not blank, counted from 1. If the number registered for the"
        " document is wrong, correct its registration.",
    ),
    "unknown-origin": ProblemType(
        "The origin is not registered",
        "Every assertion names the utterance behind it. Register it with OriginRegistered under the document that"
        " has it; documents that relay one utterance share its origin.",
    ),
    "origin-of-another-party": ProblemType(
        "The origin is another party's",
        "An utterance belongs to whoever spoke it. If somebody else said the same, that is another origin.",
    ),
    "origin-taken": ProblemType(
        "The origin's name is taken",
        "An origin's name is unique over the whole record, so that relayed words are recognised. Cite the origin"
        " that exists, or name yours differently.",
    ),
    "unknown-target": ProblemType(
        "No such event",
        "Other events are named by id, by stream@version, or within a report by ref, and lie on the same stream.",
    ),
    "not-a-target": ProblemType(
        "That event cannot be named here",
        "The event exists, but not as something that this one can refer to: it was retracted, is mere record-"
        " keeping, or is of the wrong type.",
    ),
    "unknown-proposal": ProblemType(
        "No such proposal",
        "An answer names the ProposalTabled that it answers, and that proposal must stand on record.",
    ),
    "unknown-step": ProblemType(
        "No such next step",
        "A next step is closed under the name under which it was agreed on the same irritant.",
    ),
    "unknown-item": ProblemType(
        "No such item",
        "An item's status is reported under the name under which it was added to the same irritant.",
    ),
    "item-taken": ProblemType(
        "The item is already on record",
        "An item is added once. If another document names it too, file EvidenceAdded for the first.",
    ),
    "unknown-member": ProblemType(
        "Not on record",
        "The event or the report names a round or an irritant about which nothing was filed yet.",
    ),
    "not-a-party": ProblemType(
        "Not a party of the relation",
        "Anybody may speak about an irritant, but only the two states of the relation act in it: as owner,"
        " addressee, actor, or as the one that reverses or holds.",
    ),
    "not-by-a-party": ProblemType(
        "For a party to assert",
        "This type of event moves a party's own position, so only a party, or both jointly, can assert it.",
    ),
    "other-relation": ProblemType(
        "Of another relation",
        "A report is about one relation; events about another go into a report of their own. Sources belong to none.",
    ),
    "wrong-stream": ProblemType(
        "Not on that kind of stream",
        "Each type of event belongs to irritants, rounds, relations or sources; the contract lists which.",
    ),
    "not-a-stream": ProblemType(
        "Not the name of a stream",
        "Streams are named irritant/ru-us/banking-access, round/ru-us/istanbul-april, relation/ru-us, or source/"
        " and the document's short name. A relation is two country codes, sorted, in lower case.",
    ),
    "cycle": ProblemType(
        "Events that follow each other",
        "With this correction an event would come after one that itself comes after it.",
    ),
    "nothing-new": ProblemType(
        "Nothing new",
        "All that the report registers is already on record in the same words, so there is nothing to append.",
    ),
    # The protocol.
    "malformed-json": ProblemType(
        "Not JSON",
        "The body is read as strict JSON in UTF-8. The line and the column are those of the first place that is not.",
    ),
    "key-missing": ProblemType(
        "Idempotency-Key is missing",
        "Whatever is filed carries a key of the sender's choice in the header Idempotency-Key, so that it can be"
        " sent again after a failure without being recorded twice: 1 to 200 visible ASCII characters, best a"
        " random UUID. A dry run needs none.",
    ),
    "malformed-header": ProblemType(
        "A header cannot be read",
        "A header of the request does not have the form that RFC 9110, or its own specification, gives it.",
    ),
    "malformed-request": ProblemType(
        "Not a request of HTTP",
        "The bytes that came are no request as RFC 9112 describes it, or could be read as two different ones."
        " Nothing was looked at, and the connection ends.",
    ),
    "head-too-large": ProblemType(
        "Address and headers are too large",
        "The address and the headers of a request have at most 64 KiB together. The connection ends.",
    ),
    "slow-head": ProblemType(
        "The request came too slowly",
        "The address and the headers of a request must arrive within twenty seconds. The connection ends.",
    ),
    "key-reused": ProblemType(
        "The key was used for something else",
        "The same Idempotency-Key with the same body gives the first answer again. Here the body differs: if this"
        " is a new report, give it a new key.",
    ),
    "unauthenticated": ProblemType(
        "Who is asking?",
        "The request needs a key, in the header Authorization: Bearer irr_…, that exists and has neither expired"
        " nor been revoked. Keys are made with `irritants key create`.",
    ),
    "forbidden": ProblemType(
        "The key does not allow this",
        "The key is good, but lacks the scope that this needs, or is limited to relations and this is beyond them."
        " `instead` lists addresses within the limit that answer the same question.",
    ),
    "not-found": ProblemType(
        "Not found",
        "Nothing is on record under this address.",
    ),
    "method-not-allowed": ProblemType(
        "Not with this method",
        "The header Allow lists the methods that this address knows.",
    ),
    "not-acceptable": ProblemType(
        "Not in that form",
        "The resource exists, but in none of the media types that the header Accept asks for.",
    ),
    "slow-body": ProblemType(
        "The body came too slowly",
        "The whole body must arrive within the time that is set for it. Nothing was written.",
    ),
    "gone": ProblemType(
        "That history is no longer this one",
        "The position lies beyond the end of the record, or the log it was read from is not this one: the record"
        " was restored from an older copy, or is another. What was read since then may not be so: start over where"
        " it says.",
    ),
    "body-too-large": ProblemType(
        "The body is too large",
        "A body has at most 1 MiB; a report 16 MiB and 10,000 events; a form 4 MiB. Divide it into several reports.",
    ),
    "not-json": ProblemType(
        "Not sent as JSON",
        "Bodies are sent with Content-Type: application/json, in UTF-8 and without a Content-Encoding.",
    ),
    "unknown-parameter": ProblemType(
        "No such parameter",
        "Parameters that the address does not know are refused, not ignored: a misspelt as_of_position must not"
        " read the present.",
    ),
    "malformed-parameter": ProblemType(
        "A parameter cannot have that value",
        "Each parameter is listed with the values that it takes.",
    ),
    "stale": ProblemType(
        "It has changed since",
        "If-Match named a state that is no longer the present one. Read the present one, whose ETag is given, and"
        " decide anew; or, where If-None-Match: * was to open something, it is on record by now.",
    ),
    "precondition-required": ProblemType(
        "If-Match is missing",
        "A single event is appended to a state that its sender has seen: send that state's ETag in If-Match. To"
        " open something that is not on record, send If-None-Match: *. Reports need neither; they may say what"
        " they expect.",
    ),
    "too-many-requests": ProblemType(
        "Too many requests",
        "The key has used up its share for the moment; Retry-After says when to come back.",
    ),
    "server-failure": ProblemType(
        "The service failed",
        "This is a defect of the service. The header X-Request-Id names the place in its log.",
    ),
    "overloaded": ProblemType(
        "Too much at once",
        "The service records as fast as it can and has a full queue, or too many large bodies are on their way to it."
        " Nothing was written; try again.",
    ),
    "database-unavailable": ProblemType(
        "The database is away",
        "The service goes on by itself once its database does. Whether a report was recorded that was on its way,"
        " its Idempotency-Key finds out: send it again.",
    ),
    "outcome-unknown": ProblemType(
        "Not known yet whether it is recorded",
        "The report was accepted, but its outcome did not come in time. Send it again under the same Idempotency-"
        " Key: it is recorded once, whether or not it already was.",
    ),
    "too-many-waiters": ProblemType(
        "Too many are waiting",
        "The service has as many waiting requests as it takes on; ask again without waiting.",
    ),
    "not-ready": ProblemType(
        "Not ready",
        "The service does not yet, or no longer, answer from the record; each reason is listed.",
    ),
}
