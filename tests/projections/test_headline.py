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
    opened,
    raised,
    step_agreed,
    tabled,
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
    assert f"Done: {shown} acre-feet." in headline
