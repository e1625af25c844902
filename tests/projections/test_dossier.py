"""The dossier of an irritant and its timeline: all assertions and corrections, with actors and times."""

from datetime import date
from typing import Any

from service.domain.assertion import EventModel
from service.projections import dossier
from service.projections.dossier import DossierDocument
from service.projections.timeline import Entry
from tests.build import (
    Filed,
    answered,
    contested,
    corrected,
    discussed,
    evidence,
    exchanged,
    item_added,
    item_changed,
    opened,
    retracted,
    reversed_to,
    step_agreed,
    step_closed,
    tabled,
    understood,
)
from tests.projections.seeds import seeded

BANKING = "irritant/ru-us/banking-access"


def of(*events: EventModel, on: date | None = None, **more: Any) -> DossierDocument:
    """Return the dossier after these events, of which the first is `e2`, each in its own report."""
    filed = Filed().file(BANKING, opened())
    for event in events:
        filed.file(BANKING, event)
    return dossier.view(filed.reading(BANKING, on), **more)


def entry(found: DossierDocument, event: str) -> Entry:
    return next(entry for entry in found.timeline.items if entry.event == event)


# The timeline.


def test_events_are_in_the_order_of_the_world_with_what_each_moved() -> None:
    told = of(exchanged("US", on="2025-04-10"), discussed("RU", on="2025-02-27"))
    assert [(e.place, e.event, e.moved and e.moved.status) for e in told.timeline.items] == [
        (1, "e1", None),
        (2, "e3", "in_talks"),
        (3, "e2", "formalised"),
    ]


def test_an_entry_has_its_date_and_whether_it_is_inferred() -> None:
    told = entry(of(exchanged("US", on="[2025-04-10..]", inferred="From the weekday.")), "e2")
    assert (told.occurred, told.earliest, told.latest, told.inferred) == (
        "[2025-04-10..]",
        date(2025, 4, 10),
        None,
        True,
    )
    assert told.cited is not None
    assert told.cited.inference == "From the weekday."


def test_a_retracted_event_stays_in_place_with_actor_time_and_reason() -> None:
    told = of(
        exchanged("US", on="2025-04-10"),
        discussed("RU", on="2025-02-27"),
        understood("RU", on="2025-03-01"),
        retracted("e4"),
    )
    assert [(e.event, e.stands) for e in told.timeline.items] == [
        ("e1", True),
        ("e3", True),
        ("e4", False),
        ("e2", True),
    ]
    struck = entry(told, "e4")
    assert struck.cited is None
    (amendment,) = struck.amendments
    assert amendment.model_dump(exclude={"recorded_at"}) == {
        "event": "e5",
        "kind": "retraction",
        "target": "e4",
        "actor": "desk",
        "reason": "Filed by mistake.",
        "changes": None,
        "in_force": True,
    }


def test_evidence_of_a_retracted_event_has_no_effect() -> None:
    told = of(exchanged("US"), evidence("e2", "RU"), retracted("e2"))
    assert [(e.event, e.stands) for e in told.timeline.items] == [("e1", True), ("e2", False), ("e3", False)]


def test_a_corrected_event_shows_its_corrected_and_its_filed_text() -> None:
    told = entry(of(understood("RU", wording="agreed"), corrected("e2", wording="committed")), "e2")
    assert told.as_filed is not None
    assert (told.data["wording"], told.as_filed["wording"], told.stands) == ("committed", "agreed", True)
    (amendment,) = told.amendments
    assert (amendment.kind, amendment.changes, amendment.in_force) == ("correction", {"wording": "committed"}, True)
    assert entry(of(understood("RU")), "e2").as_filed is None


def test_corrections_of_corrections_are_listed_with_those_in_force() -> None:
    replaced = of(understood("RU"), corrected("e2", wording="one"), corrected("e3", wording="other"))
    assert [(a.event, a.target, a.in_force) for a in entry(replaced, "e2").amendments] == [
        ("e3", "e2", False),
        ("e4", "e3", True),
    ]
    restored = of(understood("RU"), retracted("e2"), retracted("e3"))
    assert [(a.event, a.target, a.in_force) for a in entry(restored, "e2").amendments] == [
        ("e3", "e2", False),
        ("e4", "e3", True),
    ]
    assert entry(restored, "e2").stands


def test_an_event_after_the_day_of_the_reading_is_listed_without_effect() -> None:
    told = of(discussed("RU", on="2025-02-27"), exchanged("US", on="2025-04-10"), on=date(2025, 3, 1))
    assert [(e.event, e.stands) for e in told.timeline.items] == [("e1", True), ("e2", True), ("e3", False)]


def test_the_timeline_is_paged() -> None:
    events = [discussed("RU", on=f"2025-02-0{day}") for day in range(1, 5)]
    first = of(*events, limit=2).timeline
    assert ([e.event for e in first.items], first.next) == (["e1", "e2"], 2)
    last = of(*events, after=4, limit=2).timeline
    assert ([(e.place, e.event) for e in last.items], last.next) == ([(5, "e5")], None)
    assert of(*events, after=9).timeline.items == ()


def test_two_pages_together_are_the_whole_timeline() -> None:
    reading = seeded().reading(BANKING)
    whole = dossier.view(reading).timeline.items
    page = dossier.view(reading, limit=3).timeline
    rest = dossier.view(reading, after=page.next or 0).timeline
    assert (*page.items, *rest.items) == whole
    assert rest.next is None


# The columns.


def test_each_voice_has_a_column_and_a_joint_text_is_in_both() -> None:
    told = of(understood("JOINT"), exchanged("US"), discussed("MEDIA"), tabled("TR"))
    assert {voice: [said.event for said in column] for voice, column in told.columns.items()} == {
        "RU": ["e2"],
        "US": ["e2", "e3"],
        "TR": ["e5"],
        "MEDIA": ["e4"],
    }


def test_a_statement_shows_its_rung_and_whether_it_still_counts() -> None:
    told = of(
        exchanged("RU", on="2025-03-01"),
        reversed_to("in_talks", "RU", on="2025-03-02"),
        exchanged("US", on="2025-03-01"),
        reversed_to("in_talks", "US", on="2025-04-01"),
        understood("US", on="2025-05-01", channel="attributed"),
        contested("e6", "US", on="2025-05-02"),
    )
    assert [(s.rung, s.stands_at, s.denied) for s in told.columns["RU"]] == [
        ("formalised", "in_talks", False),
        ("in_talks", "in_talks", False),
    ]
    assert [(s.type, s.rung, s.stands_at, s.denied) for s in told.columns["US"]] == [
        ("InstrumentExchanged", "formalised", "in_talks", False),
        ("ProgressReversed", "in_talks", "in_talks", False),
        ("UnderstandingReported", "understanding", None, True),
        ("ClaimContested", None, None, False),
    ]


def test_a_relay_is_marked_as_relay() -> None:
    told = of(understood("RU"), evidence("e2", "RU", document="a1"), evidence("e2", "RU", origin="other"))
    assert [(s.event, s.relay, s.rung) for s in told.columns["RU"]] == [
        ("e2", False, "understanding"),
        ("e3", True, "understanding"),
        ("e4", False, "understanding"),
    ]


def test_each_side_has_its_wordings_and_their_changes() -> None:
    told = of(
        understood("RU", wording="committed", on="2025-04-10"),
        understood("RU", wording="committed", on="2025-04-11"),
        understood("RU", on="2025-04-12"),
        understood("RU", wording="agreed", on="2025-04-13"),
        exchanged("US", wording="understanding"),
    )
    words = {voice: [(word.event, word.wording) for word in words] for voice, words in told.wordings.items()}
    assert words == {"RU": [("e2", "committed"), ("e5", "agreed")], "US": [("e6", "understanding")], "MEDIA": []}


def test_another_translation_of_a_statement_is_no_change_of_wording() -> None:
    told = of(
        understood("RU", wording="reversible"),
        evidence("e2", "RU", document="a1", wording="entirely reversible"),
        exchanged("US"),
        evidence("e4", "US", document="a1", wording="assurances"),
    )
    words = {voice: [(word.event, word.wording) for word in words] for voice, words in told.wordings.items()}
    assert words == {"RU": [("e2", "reversible")], "US": [("e5", "assurances")], "MEDIA": []}


# The rest.


def test_an_instrument_is_described_in_the_words_of_each_voice() -> None:
    told = of(exchanged("US", wording="understanding"), evidence("e2", "MEDIA", wording="assurances"))
    (instrument,) = told.instruments
    assert (instrument.kind, instrument.words) == (
        "exchange_of_notes",
        {"US": ("understanding",), "MEDIA": ("assurances",)},
    )


def test_the_words_of_the_seeds_for_the_banking_notes() -> None:
    told = dossier.view(seeded().reading(BANKING), members=seeded().members())
    assert {voice: [w.wording for w in words] for voice, words in told.wordings.items()} == {
        "RU": ["committed"],
        "US": ["understanding"],
        "MEDIA": ["assurances", "formalising an agreement"],
    }
    assert [(i.kind, list(i.words.values())) for i in told.instruments] == [
        ("exchange_of_notes", [("understanding",)]),
        ("exchange_of_notes", [("assurances",)]),
        ("exchange_of_notes", [("formalising an agreement",)]),
    ]
    assert {(s.rung, s.silent) for s in told.silence} == {("formalised", ("RU",))}
    assert [step.agreed_in for step in told.next_steps] == ["ru-us/istanbul-april"]


def test_reversals_show_who_says_so_and_whether_they_count() -> None:
    told = of(
        exchanged("JOINT", on="2025-03-01"),
        reversed_to("raised", "MEDIA", on="2025-04-01"),
        reversed_to("in_talks", "US", on="2025-05-01", undoes="e2"),
    )
    assert [(r.event, r.to, r.undoes, r.moved, r.counted, r.backing.said_by) for r in told.reversals] == [
        ("e3", "raised", None, (), False, ()),
        ("e4", "in_talks", "e2", ("US",), True, ("US",)),
    ]


def test_denials_show_whom_they_affect_and_whether_they_ended() -> None:
    denied = [understood("RU", on="2025-03-01"), contested("e2", "US", on="2025-03-02")]
    assert [(d.event, d.target, d.party, d.ended) for d in of(*denied).denials] == [("e3", "e2", "US", False)]
    assert [d.ended for d in of(*denied, understood("US", on="2025-04-01")).denials] == [True]


def test_a_denial_that_is_dated_before_what_it_denies_moves_nothing_before_that() -> None:
    moved = of(understood("RU", on="2025-03-02"), contested("e2", "RU", on="2025-03-01")).irritant.last_moved
    assert (moved.occurred, moved.position) == ("2025-03-02", 3)


def test_silence_is_listed_by_claim() -> None:
    told = of(understood("RU"), exchanged("US"), contested("e3", "RU"), discussed("MEDIA"))
    assert [(s.event, s.silent) for s in told.silence] == []
    told = of(exchanged("US"), discussed("MEDIA"), understood("RU"))
    assert [(s.event, s.said_by, s.silent) for s in told.silence] == [("e2", ("US",), ("RU",))]


def test_a_side_that_answers_a_proposal_or_closes_a_step_is_not_silent_on_it() -> None:
    told = of(tabled("RU"), answered("e2", "US", "rejected"))
    assert [(s.event, s.silent) for s in told.silence] == []
    assert told.evidence[0].silent == ()
    told = of(tabled("RU"), answered("e2", "US", "rejected"), contested("e3", "US"))
    assert [(s.event, s.silent) for s in told.silence] == [("e2", ("US",))]
    told = of(step_agreed("RU"), step_closed("US"))
    assert [(s.event, s.silent) for s in told.silence] == []


def test_evidence_links_assertions_documents_and_origins() -> None:
    told = of(
        understood("RU", speaker="Somebody", paragraphs=(3, 4)),
        evidence("e2", "RU", document="a1", paragraphs=(7,)),
        evidence("e2", "MEDIA", document="a1", paragraphs=(2,)),
    )
    (assertion,) = told.evidence
    assert [u.model_dump() for u in assertion.utterances] == [
        {
            "origin": "ru-statement",
            "party": "RU",
            "organ": None,
            "person": "Somebody",
            "documents": (
                {"document": "a0", "paragraphs": (3, 4)},
                {"document": "a1", "paragraphs": (7,)},
            ),
        },
        {
            "origin": "media-statement",
            "party": "MEDIA",
            "organ": None,
            "person": None,
            "documents": ({"document": "a1", "paragraphs": (2,)},),
        },
    ]
    assert (assertion.rung, assertion.silent, assertion.backing.origins) == ("understanding", ("US",), 2)


def test_the_dossier_has_items_steps_and_proposals() -> None:
    told = of(item_added("house"), item_changed("house", "US"), step_agreed("RU"), tabled("RU"))
    assert [(i.item, i.status, len(i.said)) for i in told.items] == [("house", "settled", 1)]
    assert [s.step for s in told.next_steps] == ["ease"]
    assert [p.event for p in told.proposals] == ["e5"]
    assert told.irritant.items.settled == 1
