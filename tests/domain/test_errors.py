"""Every refusal says what is wrong, what is allowed and what to do. The texts below were reviewed one by one."""

import inspect
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from service.domain import errors
from service.domain.catalogue import EVENT_TYPES
from service.domain.errors import Refusal, Refused
from service.domain.filing import Envelope, Record, ReportOnRecord, decide
from service.domain.mistakes import fields, takes, without_field
from service.domain.references import needs
from service.domain.report import ReportHead, read, read_event
from service.domain.streams import history_of

VISAS, NEWS, ROUND = "irritant/ru-us/visas", "irritant/ru-us/news", "round/ru-us/april"
CHANNELS = {"MEDIA": "outlet"}
_ids = count(1)


def said(type: str, party: str = "RU", stream: str = VISAS, **fields: Any) -> dict[str, Any]:
    cited = {"document": "readout", "paragraphs": [1], "origin": f"voice-{party.lower()}"}
    by = {"party": party, "channel": CHANNELS.get(party, "quote")}
    return {"stream": stream, "type": type, "asserted_by": by, "source": cited, "summary": "In own words.", **fields}


def origin(party: str, **fields: Any) -> dict[str, Any]:
    about = {"origin": f"voice-{party.lower()}", "speaker": party, "party": party}
    channel = CHANNELS.get(party, "quote")
    return {"stream": "source/readout", "type": "OriginRegistered", **about, "channel": channel, **fields}


SETTLED = [said("ResolutionDeclared", party, NEWS, occurred="2025-04-01") for party in ("RU", "US")]
ON_RECORD: list[dict[str, Any]] = [
    {"stream": "relation/ru-us", "type": "RelationOpened", "parties": ["RU", "US"], "title": "Russia and the USA"},
    {"stream": "source/readout", "type": "SourceRegistered", "publisher": "A ministry", "paragraphs": 9},
    *(origin(party) for party in ("RU", "US", "JOINT", "MEDIA")),
    {"stream": VISAS, "type": "IrritantOpened", "title": "Visas", "category": "visas"},
    said("ProposalTabled", kind="offer", addressee="US", terms="Answer within a month"),
    said("NextStepAgreed", step="list-of-cases", owner="both", action="Exchange lists of cases"),
    said("ItemAdded", item="consulate", kind="A consulate", name="The consulate", place="Houston"),
    {"stream": NEWS, "type": "IrritantOpened", "title": "News agencies", "category": "media"},
    *SETTLED,
    said("RoundCancelled", stream=ROUND, occurred="2025-04-03"),
]


def on_record() -> Record:
    record = Record({}, {})
    announced = said("RoundAnnounced", stream=ROUND, occurred="2025-04-01", preliminary=False)
    for events in ([*ON_RECORD[:-1], announced], [ON_RECORD[-1]]):
        decision = filed(record, events)
        histories = {**record.histories, **decision.histories}
        origins = {f"voice-{party}": "source/readout" for party in ("ru", "us", "joint", "media")}
        reports = {"r1": ReportOnRecord("ru-us", "ru-us/april"), "r2": ReportOnRecord("cn-us", None)}
        record = Record(histories, origins, reports)
    return record


def filed(record: Record, events: list[dict[str, Any]], **head: Any) -> Any:
    report = read({"relation": "ru-us", "title": "A report", "events": events, **head})
    known = {stream: record.histories.get(stream) or history_of(stream) for stream in needs(report, {}).streams}
    envelope = Envelope("r", "desk", "c", datetime(2025, 5, 1, tzinfo=UTC), 0, lambda: f"id-{next(_ids)}")
    return decide(report, Record({**known, **record.histories}, record.origins, record.reports), envelope)


def correction(**changes: Any) -> dict[str, Any]:
    return {"stream": VISAS, "type": "AssertionCorrected", "target": f"{VISAS}@2", "changes": changes, "reason": "Slip"}


def source(**fields: Any) -> dict[str, Any]:
    return {"document": "readout", "paragraphs": [1], "origin": "voice-ru", **fields}


def attribution(**fields: Any) -> dict[str, Any]:
    return {"stream": "relation/ru-us", "type": "ReportAttributed", "report": "r1", "round": "ru-us/april", **fields}


LINKED = {
    **said("LinkageStated", kind="package"),
    "with": "ru-us/news",
}


def refused(events: list[dict[str, Any]], text: str) -> tuple[list[dict[str, Any]], str]:
    return events, text


def mistaken(event: dict[str, Any], place: str, text: str) -> tuple[dict[str, Any], str, str]:
    return event, place, text


REFUSALS: dict[type[Refusal], tuple[list[dict[str, Any]], str]] = {
    errors.NotOpened: refused(
        [said("ConcernRaised", stream="irritant/ru-us/flights")],
        "irritant/ru-us/flights is not on record. Correct `stream`, or open it: file `IrritantOpened` on"
        " irritant/ru-us/flights first, or earlier in the same report.",
    ),
    errors.AlreadyOpened: refused(
        [{"stream": VISAS, "type": "IrritantOpened", "title": "Visas of diplomats", "category": "visas"}],
        "irritant/ru-us/visas is already on record, with other contents: `title` is “Visas” there. If you mean that"
        " one, leave this event out, or file `AssertionCorrected` with `target` irritant/ru-us/visas@1 and the new"
        " values in `changes`. If you mean another, give another name in `stream`.",
    ),
    errors.IrritantClosed: refused(
        [said("ConcernRaised", stream=NEWS, occurred="2025-04-20")],
        "The irritant is resolved at that date, by irritant/ru-us/news@2 (RU) and @3 (US). If a side took it up"
        " again, file `IrritantReopened` before this event. If one of these events should not be on record, file"
        " `AssertionRetracted` with it as `target`. If the date is wrong, give a date before 2025-04-01 in"
        " `occurred`.",
    ),
    errors.NotAReversal: refused(
        [said("ProgressReversed", to="resolved", by="RU", reason="None", occurred="2025-04-20")],
        "A reversal cannot go back to `resolved`: at that date RU's rung is `in_talks`. Give a lower rung in `to`:"
        " `unstated`, `raised` or `proposed`.",
    ),
    errors.NotClosed: refused(
        [said("IrritantReopened", to="raised", reason="None", occurred="2025-04-20")],
        "RU cannot reopen the irritant: at that date RU's rung is `in_talks`. Only a side whose rung is `resolved`"
        " can. If RU went back, file `ProgressReversed` with `by` RU.",
    ),
    errors.NotYoursToWithdraw: refused(
        [said("IrritantWithdrawn", "US", reason="None", occurred="2025-04-20")],
        "US cannot withdraw the irritant: at that date US has not raised it (rung `unstated`). File first what US"
        " had raised, such as `ConcernRaised`. If `RU` or `JOINT` said it, correct `asserted_by` and `source.origin`.",
    ),
    errors.UndatedFall: refused(
        [said("ProgressReversed", to="raised", by="RU", reason="None")],
        "`ProgressReversed` needs a date: without one it would come first in the history and change nothing. Give"
        " `occurred`, or name in `after` an event that came before it.",
    ),
    errors.NoSuchHold: refused(
        [said("HoldLifted", occurred="2025-04-20")],
        "RU cannot lift a hold: at that date RU has no hold on record, and has not said that US has one. If the hold"
        " is on another irritant, correct `stream`. If RU spoke of a hold that is not on record, file `HoldPlaced`"
        " before this event, with the same date or an earlier one.",
    ),
    errors.OutOfTurn: refused(
        [said("RoundRelocated", stream=ROUND, place="Geneva", occurred="2025-04-20")],
        "`RoundRelocated` cannot follow round/ru-us/april@2, in which RU said that the round is cancelled. If the"
        " round takes place after all, first file `ClaimContested` by RU with that event as `target`. It says that RU"
        " no longer stands by it. If that event should not be on record, file `AssertionRetracted` with it as"
        " `target` first. If the date is wrong, give a date from 2025-04-01 on and before 2025-04-03 in `occurred`.",
    ),
    errors.Malformed: refused(
        [said("BreachAlleged", by="RU", reason="None")],
        "`by` is the side that broke the agreement, and RU cannot allege its own breach. Give US in `by`, or correct"
        " `asserted_by` and `source.origin` if US said it.",
    ),
    errors.UnknownSource: refused(
        [said("ConcernRaised", source=source(document="briefing"))],
        "The document “briefing” is not on record. Give one on record in `source.document`, or register it: file"
        " `SourceRegistered` on source/briefing first, or earlier in the same report.",
    ),
    errors.ParagraphBeyondSource: refused(
        [said("ConcernRaised", source=source(paragraphs=[12]))],
        "Paragraph 12 does not exist: the document readout has 9 paragraphs. Blank lines do not count. Use numbers"
        " from 1 to 9 in `source.paragraphs`. If the document has more, file `AssertionCorrected` with `target`"
        " source/readout@1 and the right number in `changes.paragraphs`.",
    ),
    errors.UnknownOrigin: refused(
        [said("ConcernRaised", source=source(origin="minister"))],
        "The origin “minister”, the statement behind the document, is not on record. Statements by RU in the document"
        " readout: voice-ru. Give one on record in `source.origin`; it can also be one that another document relays. Or"
        " register it: file `OriginRegistered` on source/readout first, or earlier in the same report.",
    ),
    errors.OriginOfAnotherParty: refused(
        [said("ConcernRaised", source=source(origin="voice-us"))],
        "The origin voice-us is a statement by US, but the event says that RU said it. Statements by RU in the"
        " document readout: voice-ru. Correct `asserted_by`, or give an origin of RU in `source.origin`.",
    ),
    errors.OriginTaken: refused(
        [origin("RU", speaker="Another")],
        "The origin voice-ru is already on record as source/readout@2: `speaker` is “RU” there. Leave this event out,"
        " or give another name in `origin`. To change what is on record, file `AssertionCorrected` with `target`"
        " source/readout@2.",
    ),
    errors.UnknownTarget: refused(
        [said("ClaimContested", "US", target="offer")],
        "`target` names “offer”, but there is no such event on irritant/ru-us/visas, and no such `ref` earlier in"
        " this report. Give the `ref` of an earlier event in this report, or name an event on record by stream and"
        " version. On record there: irritant/ru-us/visas@2 (`ProposalTabled`), irritant/ru-us/visas@3"
        " (`NextStepAgreed`) and irritant/ru-us/visas@4 (`ItemAdded`).",
    ),
    errors.NotATarget: refused(
        [said("ProposalAnswered", "US", proposal=f"{VISAS}@3", answer="accepted")],
        "`ProposalAnswered` cannot name irritant/ru-us/visas@3: that is `NextStepAgreed`, not a proposal. Proposals"
        " there: irritant/ru-us/visas@2 (“Answer within a month”). Give one of these in `proposal`, or file"
        " `ProposalTabled` first.",
    ),
    errors.UnknownStep: refused(
        [said("NextStepClosed", step="list", outcome="done")],
        "There is no next step “list” on irritant/ru-us/visas. Steps there: list-of-cases (“Exchange lists of"
        " cases”). Give one of these in `step`, or file `NextStepAgreed` first.",
    ),
    errors.UnknownItem: refused(
        [said("ItemStatusChanged", item="villa", status="settled")],
        "There is no item “villa” on irritant/ru-us/visas. Items there: consulate (“The consulate”). Give one of"
        " these in `item`, or file `ItemAdded` first.",
    ),
    errors.ItemTaken: refused(
        [said("ItemAdded", item="consulate", kind="A consulate", name="Another", place="Rome", occurred="2025")],
        "The item consulate is already on record, in irritant/ru-us/visas@4: `name` is “The consulate” and `place`"
        " is “Houston” there. If you mean that item, leave this event out. To add a further source for it, file"
        " `EvidenceAdded` with `target` irritant/ru-us/visas@4. To change it, file `AssertionCorrected` with the same"
        " `target`. If it is another item, give another value in `item`.",
    ),
    errors.UnknownMember: refused(
        [{**LINKED, "with": "ru-us/flights"}],
        "There is no irritant ru-us/flights on record. Give one on record in `with`, or open it: file"
        " `IrritantOpened` on irritant/ru-us/flights first, or earlier in the same report.",
    ),
    errors.UnknownActor: refused(
        [said("NextStepAgreed", step="visit", owner="iaea", action="Visit")],
        "`owner` names the organisation “iaea”, which is not on record. Use one on record, or register it: file"
        " `ActorRegistered` on actor/iaea first, or in the same report.",
    ),
    errors.UnknownReport: refused(
        [attribution(report="r9")],
        "No report r9 is on record. Give in `report` the id that the receipt of the report shows; /reports lists all"
        " reports.",
    ),
    errors.ReportOfAnotherRelation: refused(
        [attribution(report="r2")],
        "The report r2 belongs to cn-us, but the round ru-us/april to ru-us. Correct `report`:"
        " /reports?relation=ru-us lists those on ru-us. To put r2 on a round of cn-us, file the event on"
        " relation/cn-us, in a report on cn-us.",
    ),
    errors.AlreadyAttributed: refused(
        [attribution()],
        "The report r1 is on the round ru-us/april already. Leave this event out.",
    ),
    errors.NotAParty: refused(
        [said("ProposalTabled", kind="offer", addressee="TR", terms="An offer")],
        "TR is not a party of ru-us. Give `US` or `both` in `addressee`.",
    ),
    errors.NotByAParty: refused(
        [said("IrritantReopened", "MEDIA", to="raised", reason="None", occurred="2025-04-20")],
        "MEDIA cannot assert `IrritantReopened`, because MEDIA is not a party of the relation. File what MEDIA says"
        " as `ProgressReversed`, with the side that went back in `by`.",
    ),
    errors.OtherRelation: refused(
        [said("ConcernRaised", stream="irritant/cn-us/visas")],
        "irritant/cn-us/visas belongs to cn-us, but this report to ru-us. Correct `stream`, or file the event in a"
        " report on cn-us.",
    ),
    errors.WrongStream: refused(
        [said("RoundConvened", place="Geneva")],
        "`RoundConvened` cannot be filed on irritant/ru-us/visas, only on a round. On record: round/ru-us/april."
        " Give one of these in `stream`, or the name of a new one.",
    ),
    errors.NotAStream: refused(
        [{"stream": "source/A Readout", "type": "SourceRegistered", "publisher": "A ministry"}],
        "source/A Readout is not the name of a stream. Use source/a-readout: names are in lower-case letters, digits"
        " and hyphens.",
    ),
    errors.Cycle: refused(
        [
            said("ConcernRaised", ref="first", after=f"{VISAS}@2"),
            correction(after=f"{VISAS}@5"),
        ],
        "The correction puts events in a circle: it puts irritant/ru-us/visas@2 after event 1 of this report"
        " (`first`), which itself comes after irritant/ru-us/visas@2. If the correction is wrong, give another event"
        " in `changes.after`, or leave the correction out. If it is right, keep it, and give another event in `after`"
        " of event 1 of this report (`first`).",
    ),
    errors.UnknownLabel: refused(
        [said("ConcernRaised", handling="secret")],
        "`secret` is not a handling label that you can use. Use `open` or `restricted`.",
    ),
    errors.LabelTooLow: refused(
        [
            said("ConcernRaised", ref="first", handling="restricted"),
            said("ConcernRaised", "US", after="first", handling="open"),
        ],
        "The handling label `open` is more open than `restricted`, the label of event 1 of this report (`first`), on"
        " which this event depends. Use `restricted`, or leave `handling` out to get `restricted`.",
    ),
    errors.TooOpen: refused(
        [
            {
                "stream": ROUND,
                "type": "HandlingChanged",
                "target": f"{ROUND}@1",
                "label": "restricted",
                "reason": "It was not public",
            }
        ],
        "round/ru-us/april@2 depends on round/ru-us/april@1. So it must be at least as restricted, but with this"
        " change it would be more open. File `HandlingChanged` for round/ru-us/april@2, too, in the same report, with"
        " a label that is at least as restricted.",
    ),
    errors.NothingNew: refused(
        [ON_RECORD[1]],
        "All events of this report are already on record, so there is nothing to file. Add the events that are new."
        " If there are none, nothing is left to do.",
    ),
    errors.UnknownProposal: refused(
        [said("ProposalAnswered", "US", proposal="later", answer="accepted", occurred="2025-04-01")],
        "",
    ),
    errors.Changed: refused(
        [said("ConcernRaised")],
        "Version conflict: irritant/ru-us/visas has changed since you read it. It is at version 4, you expected 3. Read"
        " what was recorded since: /irritants/ru-us/visas. If the report still fits, give 4 in `expect` and send it"
        " again.",
    ),
}
IMPOSSIBLE = {errors.UnknownProposal}
"""A proposal comes before its answers in every order, so this is a safeguard."""
ABSTRACT = {errors.NotAllowed, errors.NotValid}


def below(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    for one in kind.__subclasses__():
        yield one
        yield from below(one)


def test_every_refusal_is_provoked_here() -> None:
    assert set(below(Refusal)) - ABSTRACT == set(REFUSALS)


@pytest.mark.parametrize("kind", [kind for kind in REFUSALS if kind not in IMPOSSIBLE], ids=lambda kind: kind.__name__)
def test_a_refusal_has_a_text_that_was_reviewed(kind: type[Refusal]) -> None:
    events, text = REFUSALS[kind]
    head: dict[str, Any] = {"expect": {VISAS: 3}} if kind is errors.Changed else {}
    with pytest.raises(Refused) as raised:
        filed(on_record(), events, **head)
    assert [(type(refusal), refusal.detail) for refusal in raised.value.refusals] == [(kind, text)]


@pytest.mark.parametrize(
    "kind", [kind for kind in REFUSALS if kind is not errors.Malformed], ids=lambda kind: kind.__name__
)
def test_a_refusal_says_what_is_wrong_and_then_what_to_do(kind: type[Refusal]) -> None:
    wrong, _, remedy = (inspect.getdoc(kind) or "").partition("\n\n")
    assert wrong.endswith(".")
    assert re.search(
        r"\b(Use|Give|Name|File|Choose|Correct|Leave|Add|Read|If|To open|Allowed)\b|\{known\}|\{remedy\}", remedy
    )


def test_a_missing_reference_names_what_it_can_refer_to() -> None:
    missing = [
        said("ProposalAnswered", "US", answer="accepted"),
        said("NextStepClosed", outcome="done"),
        said("ItemStatusChanged", status="settled"),
    ]
    with pytest.raises(Refused) as raised:
        filed(on_record(), missing)
    told = {refusal.pointer: refusal.detail for refusal in raised.value.refusals}
    assert told["/events/0/proposal"].endswith("Proposals there: irritant/ru-us/visas@2 (“Answer within a month”).")
    assert told["/events/1/step"].endswith("Steps there: list-of-cases (“Exchange lists of cases”).")
    assert told["/events/2/item"].endswith("Items there: consulate (“The consulate”).")


def test_a_paragraph_of_a_document_that_the_report_registers_is_corrected_there() -> None:
    registered = {"stream": "source/briefing", "type": "SourceRegistered", "publisher": "A ministry", "paragraphs": 2}
    beyond = said("ConcernRaised", source=source(document="briefing", paragraphs=[3]))
    assert refusal_of(registered, beyond).detail.endswith(
        "If the document has more, correct `paragraphs` where this report registers the document."
    )


def test_near_names_are_suggested_in_the_text() -> None:
    refusal = errors.UnknownSource("", document="readuot")
    refusal.suggest(["readout"])
    assert refusal.detail.startswith("The document “readuot” is not on record. Similar names on record: readout.")


# Mistakes in the fields of an event.

MISTAKES: Mapping[str, tuple[dict[str, Any], str, str]] = {
    "a choice is missing": mistaken(
        said("ProposalTabled", addressee="US", terms="Terms"),
        "/kind",
        "`kind` is missing. Give `offer`, `request` or `demand`.",
    ),
    "a value is not a choice": mistaken(
        said("ProposalTabled", kind="bid", addressee="US", terms="Terms"),
        "/kind",
        "`kind` must be `offer`, `request` or `demand`.",
    ),
    "yes or no is missing": mistaken(
        said("RoundAnnounced", stream="round/ru-us/may"),
        "/preliminary",
        "`preliminary` is missing. Give `true` if the round is only provisional, `false` if it is firm.",
    ),
    "a field is unknown": mistaken(
        said("ConcernRaised", date="2025-04-01"),
        "/date",
        "`date` is not a field here. Use `occurred`.",
    ),
    "a field is misspelt": mistaken(
        said("ConcernRaised", occured="2025-04-01"),
        "/occured",
        "`occured` is not a field here. Use `occurred`.",
    ),
    "a range of paragraphs": mistaken(
        said("ConcernRaised", source=source(paragraphs=["4-6"])),
        "/source/paragraphs/0",
        "`source.paragraphs.0` must be a whole number from 1 to 100,000. Write the range as its numbers, without"
        " quotes: [4, 5, 6].",
    ),
    "no paragraph": mistaken(
        said("ConcernRaised", source=source(paragraphs=[])),
        "/source/paragraphs",
        "`source.paragraphs` is empty. Give numbers of paragraphs, such as [4, 5].",
    ),
    "an object is missing": mistaken(
        {name: value for name, value in said("ConcernRaised").items() if name != "asserted_by"},
        "/asserted_by",
        "`asserted_by` is missing. Give an object such as `{party: RU, channel: quote}`, with `party` and `channel`"
        " (one of: `quote`, `paraphrase`, `attributed`, `leaked` or `outlet`, where `outlet` is only for MEDIA);"
        " optional: `organ`, `person`.",
    ),
    "an object is text": mistaken(
        said("NextStepAgreed", step="visit", owner="RU", action="Act", quantity="12 cases"),
        "/quantity",
        "`quantity` must be an object such as `{value: 12, unit: cases}`, with `value` and `unit`; optional:"
        " `qualifier` (one of: `exact`, `at_least`, `at_most` or `about`).",
    ),
    "a list has no member": mistaken(
        {**said("InstrumentExchanged", kind="agreement"), "with": []},
        "/with",
        "`with` is empty. Give at least one member, each the code of a state in two capital letters, such as US (also"
        " EU, UN and XK), `both`, or the short name of a registered organisation; or leave the field out.",
    ),
    "an actor has no name": mistaken(
        {"stream": "actor/iaea", "type": "ActorRegistered", "actor": "iaea", "kind": "organisation", "names": []},
        "/names",
        '`names` is empty. Give names, first the one for use in sentences, such as ["the African Union", "African'
        ' Union"].',
    ),
    "a relation has one party": mistaken(
        {"stream": "relation/ru-us", "type": "RelationOpened", "parties": ["RU"], "title": "Russia"},
        "/parties",
        "`parties` has 1 of its 2 members. Give 2 members, each the code of a state in two capital letters, such as"
        " US (also EU, UN and XK).",
    ),
    "an inferred date says not how": mistaken(
        said("ConcernRaised", occurred_basis="inferred"),
        "/inference",
        "`inference` is missing, because `occurred_basis` is `inferred`. Give the date in `occurred` and how it was"
        " inferred in `inference`, or remove `occurred_basis`.",
    ),
    "a text is too long": mistaken(
        said("ConcernRaised", summary="x" * 310),
        "/summary",
        "`summary` has 310 characters, at most 300 are allowed. Shorten it.",
    ),
    "an actor is JOINT": mistaken(
        said("ImplementationReported", act="An act", actor="JOINT"),
        "/actor",
        "`actor` cannot be `JOINT`, which can say something, but not act. For both sides use `both`.",
    ),
    "an actor is MEDIA": mistaken(
        said("NextStepAgreed", step="visit", owner="MEDIA", action="Visit"),
        "/owner",
        "`owner` cannot be `MEDIA`, which can say something, but not act. Give the code of a state, an"
        " organisation, or `both`.",
    ),
    "a code in lower case": mistaken(
        said("NextStepAgreed", step="visit", owner="ru", action="Visit"),
        "/owner",
        "`owner` must be RU: codes of states are in capital letters.",
    ),
    "a slug in capitals": mistaken(
        said("NextStepAgreed", step="Liste des pièces", owner="RU", action="Act"),
        "/step",
        "`step` must be a short name in lower-case letters, digits and hyphens, such as notice-48-hours. Use"
        " liste-des-pieces.",
    ),
    "a number in two types": mistaken(
        said("NextStepAgreed", step="visit", owner="RU", action="Act", quantity={"value": [], "unit": "cases"}),
        "/quantity/value",
        '`quantity.value` must be a whole number, or a decimal in quotes such as "12.5".',
    ),
    "a date of tomorrow's kind": mistaken(
        said("ProposalTabled", kind="offer", addressee="US", terms="Terms", occurred="2031"),
        "/occurred",
        "`occurred` is 2031, which is after today, 2025-05-01. Give the day on which it was said or done. A future"
        " date belongs in `due`.",
    ),
    "an unknown type": mistaken(
        said("Statement", stream="source/readout"),
        "/type",
        "Statement is not a type of event. Allowed on source/readout: `OriginRegistered`, `AssertionCorrected` or"
        " `AssertionRetracted`. The page /help says what each means. What a side says of a problem is filed on its"
        " irritant, for example as `ConcernRaised`.",
    ),
    "a corrected field is unknown": mistaken(
        correction(deadline="2025-06"),
        "/changes/deadline",
        "`deadline` is not a field here. Use `due`.",
    ),
}


@pytest.mark.parametrize(("event", "place", "text"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_lists_what_is_allowed(event: dict[str, Any], place: str, text: str) -> None:
    with pytest.raises(Refused) as raised:
        filed(on_record(), [event])
    assert [(r.pointer, r.detail) for r in raised.value.refusals] == [(f"/events/0{place}", text)]


@pytest.mark.parametrize("type", [*EVENT_TYPES.values(), ReportHead], ids=lambda model: model.__name__)
def test_every_field_says_what_it_takes(type: Any) -> None:
    vague = {"text", "fields, each with its value"}
    named = {"relation", "expect", "changes"}  # these have their words by name
    assert {name for name, annotation in fields(type).items() if takes(annotation) in vague} <= named


def objects_within(annotation: object) -> Iterator[type[BaseModel]]:
    for option in (annotation, *get_args(annotation)):
        if isinstance(option, type) and issubclass(option, BaseModel):
            yield option
        elif option is not annotation:
            yield from objects_within(option)


OBJECTS = sorted(
    {found for type in EVENT_TYPES.values() for taken in fields(type).values() for found in objects_within(taken)},
    key=lambda model: model.__name__,
)


@pytest.mark.parametrize("model", OBJECTS, ids=lambda model: model.__name__)
def test_an_object_within_an_event_lists_its_choices_and_has_an_example_of_all_else(model: type[BaseModel]) -> None:
    told = takes(model)
    assert told.startswith("an object such as `{")
    example = told.partition("`{")[2].partition("}`")[0]
    required = {info.alias or name for name, info in model.model_fields.items() if info.is_required()}
    for name, annotation in fields(model).items():
        choices = takes(annotation)
        if choices.startswith("one of: "):
            assert f"`{name}` ({choices}" in told
        elif name in required:
            assert f"{name}: " in example


@pytest.mark.parametrize("type", EVENT_TYPES)
def test_a_field_that_is_unknown_is_answered_with_the_fields_that_exist(type: str) -> None:
    wrong: list[Refusal] = []
    read_event(0, {**said(type), "stream": VISAS, "zzz": 1, "yyy": None}, wrong)
    (unknown,) = (mistake.detail for mistake in wrong if mistake.pointer == "/events/0/zzz")
    assert unknown.startswith("`zzz` is not a field here. Use another one, or, if none fits, remove it. Fields: `")
    (empty,) = (mistake.detail for mistake in wrong if mistake.pointer == "/events/0/yyy")
    assert empty == "`yyy` is not a field here. Remove it: it is empty."


@pytest.mark.parametrize("body", [[], "x", 7, True, None], ids=repr)
def test_a_report_that_is_no_object_is_told_what_it_is(body: object) -> None:
    kinds = {"list": "a list", "str": "text", "int": "a number", "bool": "`true`", "NoneType": "`null`"}
    kind = kinds[body.__class__.__name__]
    remedy = "Send one object with the fields `relation`, `title` and `events`."
    assert [m.detail for m in read(body).mistakes] == [f"The body is {kind}. {remedy}"]
    of_an_event = [m.detail for m in read({"relation": "ru-us", "title": "T", "events": [body]}).mistakes]
    assert of_an_event == [f"The event is {kind}. Give an object with `stream`, `type` and the fields of that type."]


@pytest.mark.parametrize("type", ["IrritantReopened", "IrritantWithdrawn"])
def test_what_the_media_say_of_a_reopening_or_a_withdrawal_can_be_filed_as_the_refusal_says(type: str) -> None:
    more: dict[str, Any] = {"to": "raised"} if type == "IrritantReopened" else {}
    with pytest.raises(Refused) as raised:
        filed(on_record(), [said(type, "MEDIA", NEWS, reason="None", occurred="2025-04-20", **more)])
    [refusal] = raised.value.refusals
    assert "ile what MEDIA says as `ProgressReversed`, with the side that went back in `by`." in refusal.detail
    filed(
        on_record(),
        [said("ProgressReversed", "MEDIA", NEWS, to="raised", by="RU", reason="None", occurred="2025-04-20")],
    )


def test_a_joint_text_without_a_hold_is_told_that_neither_side_has_one() -> None:
    with pytest.raises(Refused) as raised:
        filed(on_record(), [said("HoldLifted", "JOINT", occurred="2025-04-20")])
    [refusal] = raised.value.refusals
    assert "neither RU nor US has a hold on record, or has said that the other side has one." in refusal.detail


def test_a_side_that_told_of_a_hold_which_the_other_has_placed_since_is_told_who_can_lift_it() -> None:
    alleged = said("HoldPlaced", kind="stalled", by="US", reason="None", occurred="2025-04-18")
    placed = said("HoldPlaced", "US", kind="stalled", by="US", reason="None", occurred="2025-04-19")
    with pytest.raises(Refused) as raised:
        filed(on_record(), [alleged, placed, said("HoldLifted", occurred="2025-04-20")])
    [refusal] = raised.value.refusals
    assert "RU has no hold on record. US has one, and lifts it itself." in refusal.detail
    assert "spoke of a hold" not in refusal.detail


def test_a_side_lifts_a_hold_that_it_has_said_the_other_side_has() -> None:
    alleged = said("HoldPlaced", kind="stalled", by="US", reason="None", occurred="2025-04-19")
    filed(on_record(), [alleged, said("HoldLifted", occurred="2025-04-20")])


def test_an_origin_may_be_of_another_document() -> None:
    other = {"stream": "source/briefing", "type": "SourceRegistered", "publisher": "A ministry"}
    filed(on_record(), [other, said("ConcernRaised", source=source(document="briefing"))])


JUNK: tuple[Any, ...] = (7, -1, True, "", "x" * 400, "Über", [], [[]], {}, {"x": 1}, ["x"], None)


@pytest.mark.parametrize("type", EVENT_TYPES)
def test_a_mistake_never_shows_the_words_of_the_validator(type: str) -> None:
    """The validator speaks of Python: "input should be a valid tuple", "string should match pattern …"."""
    for field in fields(EVENT_TYPES[type]):
        for junk in JUNK:
            wrong: list[Refusal] = []
            event = {**said(type), "stream": VISAS, field: junk}
            read_event(0, event, wrong)
            for mistake in wrong:
                assert not re.search(
                    r"[Ii]nput|should|tuple|dictionary|instance|pattern|valid|parse|\^",
                    without_field(mistake.detail, [field]),
                )


# What a refusal offers is accepted: a client that does as it says is not refused again.


def refusal_of(*events: dict[str, Any]) -> Refusal:
    with pytest.raises(Refused) as raised:
        filed(on_record(), [*events])
    [refusal] = raised.value.refusals
    return refusal


def in_backticks(text: str) -> list[str]:
    return re.findall("`([^`]+)`", text)


def test_every_event_that_is_said_to_fit_can_be_named() -> None:
    contested = said("ClaimContested", "US", target="offer")
    _, _, fitting = refusal_of(contested).detail.partition("On record there: ")
    versions = re.findall("@[0-9]+", fitting)
    assert versions == ["@2", "@3", "@4"]
    for version in versions:
        filed(on_record(), [{**contested, "target": f"{VISAS}{version}"}])


def test_a_reversal_is_offered_only_rungs_below_that_of_its_asserter() -> None:
    back = said("ProgressReversed", to="resolved", by="RU", reason="None", occurred="2025-04-20")
    _, _, rungs = refusal_of(back).detail.partition("in `to`: ")
    assert in_backticks(rungs) == ["unstated", "raised", "proposed"]
    for rung in in_backticks(rungs):
        filed(on_record(), [{**back, "to": rung}])


def test_a_side_is_not_offered_itself_as_the_addressee_or_as_the_side_that_broke_an_agreement() -> None:
    for event, field in (
        (said("ProposalTabled", kind="offer", addressee="TR", terms="An offer"), "addressee"),
        (said("BreachAlleged", by="TR", reason="None"), "by"),
    ):
        detail = refusal_of(event).detail
        assert detail == f"TR is not a party of ru-us. Give `US` or `both` in `{field}`."
        for party in ("US", "both"):
            filed(on_record(), [{**event, field: party}])


def test_each_remedy_for_a_step_of_a_cancelled_round_is_accepted() -> None:
    moved = said("RoundRelocated", stream=ROUND, place="Geneva", occurred="2025-04-20")
    detail = refusal_of(moved).detail
    assert "Allowed then" not in detail  # the side that cancelled the round can report no other step
    assert in_backticks(detail)[1:] == ["ClaimContested", "target", "AssertionRetracted", "target", "occurred"]
    filed(on_record(), [{**moved, "occurred": "2025-04-02"}])
    filed(on_record(), [said("ClaimContested", stream=ROUND, target=f"{ROUND}@2"), moved])
    retraction = {"stream": ROUND, "type": "AssertionRetracted", "target": f"{ROUND}@2", "reason": "A slip"}
    filed(on_record(), [retraction, moved])


def test_the_steps_that_are_allowed_for_a_side_are_accepted_from_it() -> None:
    moved = said("RoundRelocated", "US", ROUND, place="Geneva", occurred="2025-04-20")
    allowed = in_backticks(refusal_of(moved).detail.partition("Allowed then: ")[2].partition(".")[0])
    assert allowed == ["RoundAnnounced", "RoundScheduled", "RoundCancelled", "RoundConvened", "RoundConcluded"]
    more: dict[str, dict[str, Any]] = {
        "RoundAnnounced": {"preliminary": False},
        "RoundScheduled": {"date": "2025-05-10", "place": "Geneva"},
        "RoundConvened": {"place": "Geneva"},
        "RoundConcluded": {"qualifier": "exact"},
    }
    for type in allowed:
        filed(on_record(), [said(type, "US", ROUND, occurred="2025-04-20", **more.get(type, {}))])


def test_a_step_that_the_same_side_has_reported_names_the_event_to_file_evidence_for() -> None:
    again = said("RoundCancelled", stream=ROUND, occurred="2025-04-04")
    assert refusal_of(again).detail == (
        "`RoundCancelled` repeats round/ru-us/april@2: RU has said so before. Leave this event out. If another"
        " document says it too, file `EvidenceAdded` with that `target`."
    )
    filed(on_record(), [said("EvidenceAdded", stream=ROUND, target=f"{ROUND}@2")])


def test_another_asserter_is_offered_only_if_it_would_be_accepted() -> None:
    reopened = said("IrritantReopened", "MEDIA", NEWS, to="raised", reason="None", occurred="2025-04-20")
    offered = "If `RU`, `US` or `JOINT` said it, correct `asserted_by` and `source.origin`."
    assert offered in refusal_of(reopened).detail
    for party in ("RU", "US", "JOINT"):
        filed(on_record(), [said("IrritantReopened", party, NEWS, to="raised", reason="None", occurred="2025-04-20")])
    assert "asserted_by" not in refusal_of({**reopened, "stream": VISAS}).detail


def test_a_settlement_by_one_joint_text_is_named_once() -> None:
    joint = said("ResolutionDeclared", "JOINT", occurred="2025-04-05")
    detail = refusal_of(joint, said("ConcernRaised", after=f"{VISAS}@5")).detail
    assert "resolved at that point, by event 1 of this report (RU and US). " in detail


def test_only_types_that_a_stream_still_takes_are_listed() -> None:
    typed = {"type": "Zzzz"}
    opened = refusal_of({**said("ConcernRaised"), **typed}).detail
    assert "`ConcernRaised`" in opened
    assert "`IrritantOpened`" not in opened
    unopened = refusal_of({**said("ConcernRaised", stream="irritant/ru-us/flights"), **typed}).detail
    assert "Allowed on irritant/ru-us/flights: `IrritantOpened`." in unopened


def test_statements_by_the_asserter_are_listed_for_an_unknown_origin_and_others_only_without_them() -> None:
    unknown = source(origin="minister")
    assert "by US in the document readout: voice-us." in refusal_of(said("ConcernRaised", "US", source=unknown)).detail
    detail = refusal_of(said("ConcernRaised", "TR", source=unknown)).detail
    assert "Origins of the document readout: voice-ru (RU), voice-us (US)" in detail


# What a refusal says of the date.


def added(**fields: Any) -> dict[str, Any]:
    return said("ItemAdded", item="villa", kind="A villa", name="The villa", place="Rome", **fields)


def test_an_event_without_a_date_is_told_to_give_one_only_if_a_date_helps() -> None:
    status = said("ItemStatusChanged", item="villa", status="settled")
    assert refusal_of(added(occurred="2025-04-10"), status).detail == (
        "This event has no date, so it comes before event 1 of this report, which adds the item “villa”. Give"
        " 2025-04-10 or a later date in `occurred`."
    )
    assert "occurred" not in refusal_of(status).detail


def test_an_event_with_a_date_is_told_to_correct_it_only_if_another_one_helps() -> None:
    status = said("ItemStatusChanged", item="villa", status="settled", occurred="2025-04-09")
    assert refusal_of(added(occurred="2025-04-10"), status).detail == (
        "The item “villa” is not on record at that date: event 1 of this report adds it. If the date is wrong, give"
        " 2025-04-10 or a later date in `occurred`."
    )
    assert "occurred" not in refusal_of(said("HoldLifted", occurred="2025-04-20")).detail
    placed = said("HoldPlaced", kind="stalled", reason="None", occurred="2025-04-22")
    detail = refusal_of(placed, said("HoldLifted", occurred="2025-04-20")).detail
    assert "If the date is wrong, give 2025-04-22 or a later date in `occurred`." in detail


def test_an_event_is_accepted_at_the_dates_that_its_refusal_offers() -> None:
    raised = said("ConcernRaised", stream="irritant/ru-us/news", occurred="2025-04-20")
    offered = re.search(r"If the date is wrong, give a date before (\S+) in `occurred`", refusal_of(raised).detail)
    assert offered is not None
    day_before = date.fromisoformat(offered[1]) - timedelta(days=1)
    filed(on_record(), [{**raised, "occurred": str(day_before)}])
    placed = said("HoldPlaced", kind="stalled", reason="None", occurred="2025-04-22")
    filed(on_record(), [placed, said("HoldLifted", occurred="2025-04-22")])


def test_no_date_is_offered_between_two_events_of_one_day() -> None:
    june = "round/ru-us/june"
    announced = said("RoundAnnounced", stream=june, preliminary=False, occurred="2025-04-10")
    cancelled = said("RoundCancelled", stream=june, occurred="2025-04-10")
    moved = said("RoundRelocated", stream=june, place="Geneva", occurred="2025-04-11")
    assert "`occurred`" not in refusal_of(announced, cancelled, moved).detail
    between = {**cancelled, "occurred": "2025-04-14"}
    assert (
        "a date from 2025-04-10 on and before 2025-04-14 in"
        in refusal_of(announced, between, {**moved, "occurred": "2025-04-15"}).detail
    )


def test_an_inferred_date_without_its_inference_is_not_asked_for_a_date_that_it_has() -> None:
    dated = said("ConcernRaised", occurred="2025-04-20", occurred_basis="inferred")
    assert refusal_of(dated).detail == (
        "`inference` is missing, because `occurred_basis` is `inferred`. Say in one line how the date was inferred."
    )


def test_near_streams_are_suggested_with_their_kind() -> None:
    other = errors.OtherRelation("/stream", stream="irritant/cn-us/visa", relation="ru-us")
    assert other.unknown_name == "irritant/ru-us/visa"
    other.suggest(["ru-us/visas"])
    assert "Similar names on record: irritant/ru-us/visas. Correct `stream`" in other.detail


@pytest.mark.parametrize(
    ("detail", "path", "rest"),
    [
        ("`kind` is missing. Give one.", ["kind"], "is missing. Give one."),
        ("`source.paragraphs.0` must be a number.", ["source", "paragraphs"], "must be a number."),
        ("`publisher` is missing.", ["sources", "0", "publisher"], "is missing."),
        ("`occurred`: 'x' is not an accepted date.", ["occurred"], "'x' is not an accepted date."),
        ("`RoundRelocated` cannot follow.", ["place"], "`RoundRelocated` cannot follow."),
    ],
)
def test_a_place_that_shows_the_field_can_leave_it_out_of_the_text(detail: str, path: list[str], rest: str) -> None:
    assert without_field(detail, path) == rest
