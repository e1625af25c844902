"""The headline of an irritant. The cases in `tests/cases/expected` have whole headlines."""

import pytest

from service.domain.assertion import EventModel
from service.projections import irritant
from tests.build import (
    Filed,
    answered,
    contested,
    discussed,
    evidence,
    exchanged,
    given,
    hold_placed,
    implemented,
    instrument_stated,
    item_added,
    item_changed,
    opened,
    raised,
    reversed_to,
    settled,
    step_agreed,
    step_closed,
    tabled,
    understood,
    withdrawn,
)

VISAS = "irritant/ru-us/visas"


def headline_after(*events: EventModel) -> str:
    """Return the headline after these events, of which the first is `e2`."""
    return irritant.view(given(opened()).when(*events).reading).headline


HOSTILE: dict[str, tuple[tuple[EventModel, ...], str]] = {
    "a side that confirms the hold of the other has placed none": (
        (hold_placed("RU", kind="suspended", on="2025-04-10"), evidence("e2", "US")),
        (
            "The United States makes no claim; its last word is on a hold (10 April 2025). Russia suspended the"
            " talks on it on 10 April 2025."
        ),
    ),
    "a denial of leaked words withdraws nothing that was said": (
        (exchanged("RU", channel="leaked", on="2025-04-10"), contested("e2", "RU", on="2025-05")),
        "The United States is silent. Russia denies that it is recorded in an instrument.",
    ),
    "a denial of own words withdraws them": (
        (exchanged("RU", on="2025-04-10"), contested("e2", "RU", on="2025-05")),
        "The United States is silent. Russia withdrew its statement.",
    ),
    "a withdrawal has a date": (
        (raised("JOINT", on="2025-04-10"), withdrawn("RU", on="2025-05-01")),
        "The United States names it as a problem; Russia withdrew the irritant on 1 May 2025 and makes no claim now.",
    ),
    "media report a proposal and make none": (
        (tabled("MEDIA", "US", terms="A pact"),),
        "Russia and the United States are silent. Media report that a remedy was put forward.",
    ),
    "an answer that a side tells of is not its answer": (
        (tabled("MEDIA", "US", terms="A pact"), answered("e2", "RU", "rejected", on="2025-04-12")),
        (
            "Russia makes no claim; its last word is on the answer to a proposal (12 April 2025); the United"
            " States is silent. Russia reports an answer that the United States has not given on record (12 April"
            " 2025). Media report that a remedy was put forward."
        ),
    ),
    "a step that a side is only said to agree to": (
        (step_agreed("JOINT", channel="attributed", due="2025-06", on="2025-04-10"),),
        (
            "Russia is said to regard it as a matter on which a next step is agreed; the United States is said to"
            " regard it as a matter on which a next step is agreed. Awaiting both sides: An action (due June 2025;"
            " both are said to agree to it)."
        ),
    ),
    "what a side says itself comes before what is attributed to it": (
        (
            discussed("RU", on="2025-04-10"),
            step_agreed("RU", channel="attributed", owner="RU", wording="a list", on="2025-04-12"),
        ),
        (
            "Russia says that it is taken up between the sides; the United States is silent. Awaiting Russia: An"
            " action (of the sides Russia alone is said to agree to it)."
        ),
    ),
    "a proposal that a side is only said to make": (
        (tabled("RU", "US", terms="A pact", channel="attributed"),),
        (
            "Russia is said to propose a remedy; the United States is silent. Awaiting the answer of the United"
            " States to what Russia is said to propose: A pact."
        ),
    ),
    "a counter-proposal awaits the proposer's answer to it, not to its own proposal": (
        (tabled("RU", "US", terms="A pact", due="2025-05"), answered("e2", "US", "countered", on="2025-04-12")),
        (
            "Russia and the United States both propose a remedy. Awaiting the answer of Russia to the"
            " counter-proposal of the United States on: A pact."
        ),
    ),
    "a counter-proposal that a side is only said to make": (
        (tabled("RU", "US", terms="A pact"), answered("e2", "US", "countered", channel="attributed")),
        (
            "Russia proposes a remedy; the United States is said to make a counter-proposal. Awaiting the answer of"
            " Russia to the counter-proposal that the United States is said to make on: A pact."
        ),
    ),
    "a side that denies a report of what it says itself": (
        (understood("JOINT", on="2025-04-10"), understood("TR", on="2025-04-11"), contested("e3", "RU", on="2025-05")),
        (
            "Russia and the United States both say that the substance is agreed. Russia denies what Türkiye says of it."
            " Türkiye reports that the substance is agreed."
        ),
    ),
    "a side that denies words attributed to it and stands higher": (
        (
            understood("JOINT", on="2025-04-10"),
            discussed("RU", channel="attributed", on="2025-04-11"),
            contested("e3", "RU", on="2025-05"),
        ),
        (
            "Russia and the United States both say that the substance is agreed. Russia denies words that are"
            " attributed to it."
        ),
    ),
    "a side that rejects what the other is only said to propose": (
        (tabled("RU", "US", terms="A pact", channel="leaked"), answered("e2", "US", "rejected", on="2025-04-12")),
        ("Russia is said to propose a remedy. The United States rejects the proposal that Russia is said to make."),
    ),
    "a step that its owner calls done and the other does not": (
        (
            step_agreed("JOINT", owner="RU", due="2025-06", on="2025-04-10"),
            step_closed("RU", on="2025-06-02"),
        ),
        (
            "Russia and the United States both say that a next step is agreed. Awaiting Russia: An action (due"
            " June 2025; agreed by both; Russia says that it is done)."
        ),
    ),
    "a proposal that its addressee confirms": (
        (tabled("US", "RU", terms="A pact", on="2025-04-10"), evidence("e2", "RU")),
        (
            "Russia and the United States both propose a remedy. Awaiting the answer of Russia to the United States: A"
            " pact."
        ),
    ),
    "a step to which both agree on different terms": (
        (step_agreed("RU", due="2025-06", on="2025-04-10"), step_agreed("US", due="2025-07", on="2025-04-11")),
        (
            "Russia and the United States both say that a next step is agreed. The United States gives other terms"
            " for a step than Russia. Awaiting both sides: An action (due July 2025; agreed by both, on different"
            " terms, here those of the United States)."
        ),
    ),
    "a step whose due date one side leaves open": (
        (step_agreed("RU", on="2025-04-10"), step_agreed("US", due="2025-07", on="2025-04-11")),
        (
            "Russia and the United States both say that a next step is agreed. Awaiting both sides: An action (due July"
            " 2025; agreed by both, the due date by the United States alone)."
        ),
    ),
    "a counter-proposal of a side that has gone back awaits nobody": (
        (
            tabled("RU", "US", terms="A pact", on="2025-04-10"),
            answered("e2", "US", "countered", on="2025-04-12"),
            reversed_to("unstated", "US", on="2025-05-01"),
        ),
        "Russia proposes a remedy; the United States went back on 1 May 2025 and makes no claim now.",
    ),
    "a step on whose outcome the sides differ": (
        (
            step_agreed("JOINT", owner="RU", on="2025-04-10"),
            step_closed("US", outcome="lapsed", on="2025-06-01"),
            step_closed("RU", channel="attributed", on="2025-06-02"),
        ),
        (
            "Russia and the United States both say that a next step is agreed. Russia is said to give another"
            " outcome of a step than the United States. Awaiting Russia: An action (agreed by both; Russia is said to"
            " regard it as done; the United States says that it lapsed)."
        ),
    ),
    "an instrument that a side is only said to have put in force again": (
        (
            exchanged("RU", on="2025-04-10"),
            instrument_stated("RU", "e2", "terminated", on="2025-05-01"),
            instrument_stated("RU", "e2", "in_force", channel="attributed", on="2025-06-01"),
        ),
        "Russia is said to regard it as recorded in an instrument; the United States is silent.",
    ),
    "a count that one side gives and the other does not": (
        (
            implemented("RU", extent={"done": 2, "of": 2, "unit": "sites"}, on="2025-04-10"),
            implemented("US", extent={"done": 1, "of": 2, "unit": "sites"}, on="2025-04-09"),
        ),
        (
            "Russia and the United States both say that something has been carried out. Done, according to Russia:"
            " 2 of 2 sites."
        ),
    ),
    "a count that is only attributed to a side": (
        (implemented("RU", extent={"done": 2, "of": 3, "unit": "sites"}, channel="attributed", on="2025-04-10"),),
        (
            "Russia is said to regard it as carried out at least in part; the United States is silent. Done, by words"
            " attributed to Russia: 2 of 3 sites."
        ),
    ),
    "a third party that reports a step, or that a part is settled": (
        (step_agreed("TR", owner="TR", on="2025-04-10"), settled("OM", extent="partial", on="2025-04-11")),
        (
            "Russia and the United States are silent. Türkiye reports that a next step is agreed. Oman reports that"
            " it is settled in part."
        ),
    ),
    "an item that one side calls settled": (
        (item_added("dacha", on="2025-04-01"), item_changed("dacha", "RU", on="2025-04-10")),
        (
            "Russia makes no claim; its last word is on an item (10 April 2025); the United States is silent. Items"
            " said to be settled: 1 of 1."
        ),
    ),
    "a last word that another may follow": (
        (
            hold_placed("RU", by="US", on="2025-04-10"),
            hold_placed("RU", by="US", on="[2025-04-10..]"),
            evidence("e3", "US"),
        ),
        (
            "Russia makes no claim; its last word may be on a hold (on or after 10 April 2025, day unknown); the"
            " United States makes no claim; its last word is on a hold (on or after 10 April 2025, day unknown)."
            " Russia says that the United States holds it up (on or after 10 April 2025, day unknown)."
        ),
    ),
}


@pytest.mark.parametrize(("told", "sentence"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_history_makes_no_sentence_false(told: tuple[EventModel, ...], sentence: str) -> None:
    assert headline_after(*told) == sentence


@pytest.mark.parametrize(
    ("done", "of", "shown"),
    [
        (885_000, 1_750_000, "885,000 of 1,750,000"),
        ("1234567.50", "2000000.00", "1,234,567.50 of 2,000,000.00"),
        ("0.000000001", 1, "0.000000001 of 1"),
    ],
)
def test_figures_have_separators_between_thousands(done: int | str, of: int | str, shown: str) -> None:
    delivered = implemented("RU", extent={"done": done, "of": of, "unit": "acre-feet"}, on="2025-02-01")
    headline = irritant.view(Filed().file(VISAS, opened(), delivered).reading(VISAS)).headline
    assert f"Done, according to Russia: {shown} acre-feet." in headline
