"""Which events a new event may name, and the text of a refusal."""

from typing import Any

import pytest

from service.domain import report
from service.domain.assertion import EventModel
from service.domain.catalogue import dump
from service.domain.errors import Refused
from service.domain.filing import Decision, Envelope, Record, decide
from tests.build import (
    FIRST_REPORT,
    STREAMS,
    Filed,
    answered,
    contested,
    corrected,
    evidence,
    opened,
    origin_registered,
    registered,
    relation_opened,
    retracted,
    tabled,
    understood,
)

STREAM = STREAMS["irritant"]
ORIGINS = {"ru-statement": "RU", "us-statement": "US"}


def filing(*known: EventModel, new: EventModel | dict[str, Any]) -> Decision:
    """File an event on a record with the events `known`, of which the first is `e1`."""
    filed = Filed().file(STREAM, *known).file(STREAMS["relation"], relation_opened())
    filed.file(STREAMS["source"], registered(), *(origin_registered(o, party) for o, party in ORIGINS.items()))
    payload = new if isinstance(new, dict) else {"type": type(new).__name__, **dump(new)}
    body = {"relation": "ru-us", "title": "One event", "events": [{"stream": STREAM, **payload}]}
    histories = {stream: filed.history(stream) for stream in (STREAM, STREAMS["relation"], STREAMS["source"])}
    envelope = Envelope("r", "desk", "c", FIRST_REPORT, len(filed.events), iter(["new"]).__next__)
    return decide(report.read(body), Record(histories, dict.fromkeys(ORIGINS, STREAMS["source"])), envelope)


def refusal(*known: EventModel, new: EventModel) -> tuple[str, str]:
    with pytest.raises(Refused) as refused:
        filing(*known, new=new)
    (only,) = refused.value.refusals
    return only.pointer, only.detail


ASSERTS_NOTHING = "in which nobody says anything. Name an event that has `asserted_by`."


def because(type: str, version: int, why: str) -> str:
    return f"`{type}` cannot name {STREAM}@{version}: that is {why}"


CANNOT: dict[str, tuple[tuple[EventModel, ...], EventModel, str]] = {
    "evidence of record-keeping": (
        (opened(),),
        evidence("e1", "RU"),
        because("EvidenceAdded", 1, f"`IrritantOpened`, {ASSERTS_NOTHING}"),
    ),
    "a denial of record-keeping": (
        (opened(),),
        contested("e1", "RU"),
        because("ClaimContested", 1, f"`IrritantOpened`, {ASSERTS_NOTHING}"),
    ),
    "evidence of evidence": (
        (opened(), understood("RU"), evidence("e2", "US")),
        evidence("e3", "RU"),
        because("EvidenceAdded", 3, f"itself evidence. Name the event that it is evidence of: {STREAM}@2."),
    ),
    "evidence of what was struck": (
        (opened(), understood("RU"), retracted("e2")),
        evidence("e2", "US"),
        because("EvidenceAdded", 2, "retracted. Name another event."),
    ),
    "a correction of what was struck": (
        (opened(), understood("RU"), retracted("e2")),
        corrected("e2", wording="agreed"),
        because(
            "AssertionCorrected",
            2,
            f"retracted. File `AssertionRetracted` with `target` {STREAM}@3 first, or name another event.",
        ),
    ),
    "a second retraction": (
        (opened(), understood("RU"), retracted("e2")),
        retracted("e2"),
        because(
            "AssertionRetracted",
            2,
            f"already retracted. To undo that, file `AssertionRetracted` with `target` {STREAM}@3.",
        ),
    ),
    "a retraction of the opening": (
        (opened(),),
        retracted("e1"),
        because(
            "AssertionRetracted",
            1,
            "`IrritantOpened`, which is never retracted, only corrected: file `AssertionCorrected`.",
        ),
    ),
}


@pytest.mark.parametrize(("known", "new", "why"), CANNOT.values(), ids=CANNOT)
def test_an_unsuitable_target_is_refused_with_the_reason(
    known: tuple[EventModel, ...], new: EventModel, why: str
) -> None:
    assert refusal(*known, new=new) == ("/events/0/target", why)


def test_an_answer_names_a_proposal() -> None:
    assert filing(opened(), tabled("RU"), new=answered("e2", "US")).recorded
    pointer, why = refusal(opened(), understood("RU"), new=answered("e2", "US"))
    assert (pointer, why) == (
        "/events/0/proposal",
        because(
            "ProposalAnswered",
            2,
            "`UnderstandingReported`, not a proposal. Proposals there: none. File `ProposalTabled` first.",
        ),
    )


@pytest.mark.parametrize("name", ["e2", f"{STREAM}@2"])
def test_an_event_is_named_by_its_id_or_by_stream_and_version(name: str) -> None:
    (recorded,) = filing(opened(), understood("RU"), new=evidence(name, "US")).recorded
    assert getattr(recorded.data, "target", None) == "e2"


@pytest.mark.parametrize("name", ["e9", f"{STREAM}@9", "irritant/ru-us/visas@1", "source/a0@1"])
def test_an_event_that_is_not_on_the_stream_is_refused(name: str) -> None:
    pointer, why = refusal(opened(), understood("RU"), new=evidence(name, "US"))
    assert pointer == "/events/0/target"
    assert why == (
        f"`target` names “{name}”, but there is no such event on {STREAM}, and no such `ref` earlier in this"
        " report. Give the `ref` of an earlier event in this report, or name an"
        f" event on record by stream and version. On record there: {STREAM}@2 (`UnderstandingReported`)."
    )
