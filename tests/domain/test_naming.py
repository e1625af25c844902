"""Which events another event may name while it is filed, and what the refusal says."""

from typing import Any

import pytest

from service.domain import report
from service.domain.assertion import Contract
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


def filing(*known: Contract, new: Contract | dict[str, Any]) -> Decision:
    """Files one event on a record with these on it, of which the first is `e1`."""
    filed = Filed().file(STREAM, *known).file(STREAMS["relation"], relation_opened())
    filed.file(STREAMS["source"], registered(), *(origin_registered(o, party) for o, party in ORIGINS.items()))
    payload = new if isinstance(new, dict) else {"type": type(new).__name__, **dump(new)}
    body = {"relation": "ru-us", "title": "One event", "events": [{"stream": STREAM, **payload}]}
    histories = {stream: filed.history(stream) for stream in (STREAM, STREAMS["relation"], STREAMS["source"])}
    envelope = Envelope("r", "desk", "c", FIRST_REPORT, len(filed.events), iter(["new"]).__next__)
    return decide(report.read(body), Record(histories, dict.fromkeys(ORIGINS, STREAMS["source"])), envelope)


def refusal(*known: Contract, new: Contract) -> tuple[str, str]:
    with pytest.raises(Refused) as refused:
        filing(*known, new=new)
    (only,) = refused.value.refusals
    return only.pointer, only.detail


CANNOT: dict[str, tuple[tuple[Contract, ...], Contract, str]] = {
    "evidence of record-keeping": (
        (opened(),),
        evidence("e1", "RU"),
        "e1 is record-keeping, which asserts nothing; it cannot be the target of EvidenceAdded.",
    ),
    "a denial of record-keeping": (
        (opened(),),
        contested("e1", "RU"),
        "e1 is record-keeping, which asserts nothing; it cannot be the target of ClaimContested.",
    ),
    "evidence of evidence": (
        (opened(), understood("RU"), evidence("e2", "US")),
        evidence("e3", "RU"),
        "e3 is itself evidence; name the assertion that it is evidence of; it cannot be the target of EvidenceAdded.",
    ),
    "evidence of what was struck": (
        (opened(), understood("RU"), retracted("e2")),
        evidence("e2", "US"),
        "e2 is retracted; it cannot be the target of EvidenceAdded.",
    ),
    "a correction of what was struck": (
        (opened(), understood("RU"), retracted("e2")),
        corrected("e2", wording="agreed"),
        "e2 is retracted; it cannot be the target of AssertionCorrected.",
    ),
    "a second retraction": (
        (opened(), understood("RU"), retracted("e2")),
        retracted("e2"),
        "e2 is already retracted; it cannot be the target of AssertionRetracted.",
    ),
    "a retraction of the opening": (
        (opened(),),
        retracted("e1"),
        (
            "e1 is IrritantOpened, which is never retracted, only corrected;"
            " it cannot be the target of AssertionRetracted."
        ),
    ),
}


@pytest.mark.parametrize(("known", "new", "why"), CANNOT.values(), ids=CANNOT)
def test_what_cannot_be_a_target_is_refused_and_told_why(known: tuple[Contract, ...], new: Contract, why: str) -> None:
    assert refusal(*known, new=new) == ("/events/0/target", why)


def test_an_answer_names_a_proposal() -> None:
    assert filing(opened(), tabled("RU"), new=answered("e2", "US")).recorded
    pointer, why = refusal(opened(), understood("RU"), new=answered("e2", "US"))
    assert (pointer, why) == ("/events/0/proposal", "e2 is no proposal; it cannot be the target of ProposalAnswered.")


@pytest.mark.parametrize("name", ["e2", f"{STREAM}@2"])
def test_an_event_is_named_by_its_id_or_by_its_place_on_its_stream(name: str) -> None:
    (recorded,) = filing(opened(), understood("RU"), new=evidence(name, "US")).recorded
    assert getattr(recorded.data, "target", None) == "e2"


@pytest.mark.parametrize("name", ["e9", f"{STREAM}@9", "irritant/ru-us/visas@1", "source/a0@1"])
def test_what_is_not_on_record_there_is_not_named(name: str) -> None:
    assert refusal(opened(), understood("RU"), new=evidence(name, "US")) == (
        "/events/0/target",
        f"No event {name} is on record on {STREAM}, and none earlier in this report has that ref.",
    )
