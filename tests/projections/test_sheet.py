"""The round sheet shows the changes of one round, as a document and as Markdown."""

import pytest

from service.domain.round.membership import membership
from service.projections import sheet
from service.projections.formats.markdown import markdown
from service.projections.sheet import SheetDocument
from tests.build import (
    Filed,
    announced,
    characterised,
    concluded,
    contested,
    convened,
    discussed,
    evidence,
    exchanged,
    excluded,
    head_named,
    no_comment,
    opened,
    raised,
    registered,
    relation_opened,
    scheduled,
    step_agreed,
    step_closed,
    tabled,
    understood,
    venue_named,
)
from tests.projections.seeds import seeded

TALKS, VISAS, FLIGHTS, ROUND = "relation/ru-us", "irritant/ru-us/visas", "irritant/ru-us/flights", "round/ru-us/april"


def of_seeds(slug: str, upto: str | None = None) -> SheetDocument:
    """The sheet of a round of the seeds, before this file was filed."""
    seeds = seeded()
    at = seeds.before(upto) if upto else None
    read = seeds.readings(at)
    return sheet.view(
        round=seeds.reading(f"round/ru-us/{slug}", at),
        irritants=read["irritants"],
        relation=read["relation"],
        members=seeds.members(at),
        sources=[history.reading() for name, history in seeds.histories.items() if name.startswith("source/")],
    )


def of(filed: Filed, *reports: str) -> SheetDocument:
    """The sheet of the one round of a record, with these reports on it."""
    irritants = [stream for stream in (VISAS, FLIGHTS) if filed.history(stream).events]
    round, talks = filed.reading(ROUND), filed.reading(TALKS)
    return sheet.view(
        round=round,
        irritants=[filed.reading(stream) for stream in irritants],
        relation=talks,
        members=membership([round], talks, dict.fromkeys(reports, "ru-us/april")),
        sources=[filed.reading("source/a0")],
    )


APRIL = of_seeds("istanbul-april")


def test_the_header_of_the_april_round() -> None:
    met = APRIL.round
    assert (met.phase, met.place, met.venue, met.host, met.date) == (
        "concluded",
        "Istanbul",
        "Consulate General of Russia",
        "RU",
        "2025-04-10",
    )
    assert met.duration is not None
    assert (met.duration.hours, met.duration.qualifier) == (5, "at_least")
    assert {party: [head.person for head in heads] for party, heads in met.heads.items()} == {
        "RU": ["Alexander Darchiev"],
        "US": ["Sonata Coulter"],
    }


def test_a_phase_is_said_by_those_who_report_that_phase() -> None:
    """A side says that there was a round in April, but only an outlet reports its end."""
    assert APRIL.round.said_by == ("RU",)
    assert APRIL.round.standing == ()
    assert "- State: concluded; reported by media alone\n" in markdown(APRIL)


def test_the_changes_of_the_april_round() -> None:
    moved = {
        item.irritant: (
            item.before.status if item.before else None,
            item.after.status,
            item.after.confirmed_status,
            item.silent,
            tuple(step.step for step in item.next_steps),
        )
        for item in APRIL.items
    }
    assert moved == {
        "ru-us/banking-access": ("raised", "formalised", "understanding", (), ("c1-banking",)),
        "ru-us/diplomat-movement": ("raised", "understanding", "raised", (), ("ns1-movement",)),
        "ru-us/property-return": ("unstated", "unstated", "unstated", ("RU", "US"), ()),
        "ru-us/visas": ("unstated", "understanding", "unstated", ("US",), ("ns2-visas",)),
    }
    assert [one.irritant for one in APRIL.untouched] == ["ru-us/direct-flights"]
    assert [one.subject for one in APRIL.out_of_scope] == ["ukraine", "general-normalisation"]
    assert [source.document for source in APRIL.sources] == [
        "a0-brussels-morning-moscow",
        "a1-hasanova",
        "a2-tataru",
        "a3-brussels-morning-istanbul",
        "a4-unnamed-outlet",
    ]


def test_uncorroborated_changes_are_marked() -> None:
    kinds = {item.irritant: [one.kind for one in item.uncorroborated] for item in APRIL.items}
    assert kinds["ru-us/banking-access"] == ["claimed_above_confirmed", "one_origin"]
    assert kinds["ru-us/property-return"] == ["media_only", "silent_side", "silent_side"]


def test_of_a_round_that_is_only_announced_there_is_what_is_known_and_nothing_more() -> None:
    coming = of_seeds("moscow-next")
    assert (coming.items, coming.untouched, coming.out_of_scope, coming.no_comment) == ((), (), (), ())
    assert (coming.round.phase, coming.round.place, coming.round.date, coming.round.timing) == (
        "announced",
        "Moscow",
        None,
        "soon",
    )
    assert markdown(coming) == (
        "# Round sheet: Moscow\n"
        "\n"
        "Russia and the United States\n"
        "\n"
        "- State: announced, preliminary; said by Russia\n"
        "- Place: Moscow [1: 4, 6, 13; 2: 2, 5; 3: 4, 6]\n"
        "- When: soon\n"
        "\n"
        "## Sources\n"
        "\n"
        "1. Brussels Morning Newspaper, paragraphs 4, 6, 13\n"
        "2. Outlet not named; by-line Tamilla Hasanova, paragraphs 2, 5\n"
        "3. Outlet not named; translation by Iurie Tataru, paragraphs 4, 6\n"
    )


@pytest.mark.parametrize("file", [APRIL, of_seeds("istanbul-february")])
def test_every_statement_of_the_text_cites_a_document_that_is_in_its_list(file: SheetDocument) -> None:
    text, _, sources = markdown(file).partition("## Sources")
    statements = [
        line
        for line in text.splitlines()
        if line.startswith(("- Russia (", "- The United States (", "- Media [", "- Next"))
    ]
    for statement in statements:
        cited = statement.rpartition("[")[2].rstrip("]")
        for place in cited.split("; "):
            number, _, paragraphs = place.partition(": ")
            assert f"\n{number}. " in sources
            assert paragraphs


RECORD = (
    Filed()
    .file("source/a0", registered("A paper"))
    .file(TALKS, relation_opened())
    .file(VISAS, opened("Visas"), raised("US"), step_agreed("US", "list", owner="RU"))
    .file(FLIGHTS, opened("Flights"), tabled("RU"))
    .file(
        ROUND,
        convened("RU", on="2025-04-10"),
        venue_named("RU", "A house", host="US"),
        head_named("RU", "US", "Somebody", "Envoy"),
        characterised("US", wording="constructive"),
        concluded("US", 1),
    )
    .file(
        VISAS,
        exchanged("US", organ="State Department", wording="understanding", summary="Notes were *exchanged*."),
        evidence("e13", "US", document="a1"),
        understood("MEDIA", summary="Agreed | in a newspaper."),
        step_agreed("RU", "next", owner="both", action="Meet.", due="2025-06"),
        step_closed("US", "list", summary="The list was handed over."),
        discussed("TR"),
    )
    .file(TALKS, excluded("US", "ukraine", summary="Left out."), no_comment("MEDIA", ("Kremlin",), "visas"))
)


VISAS_ROW = (
    "| Visas | in talks → formalised | nothing → in talks | in talks → formalised | one side; 1 origin | Both sides |"
)


HEADLINE = (
    "The United States says that it is recorded in an instrument (“understanding”); Russia says that a next step is"
    " agreed. Türkiye reports that it is taken up between the sides. Awaiting both sides: Meet (due June 2025; of the"
    " sides Russia alone says that it is agreed)."
)


def test_a_whole_sheet_as_text() -> None:
    assert markdown(of(RECORD, "r5", "r6", "r7")).splitlines() == [
        "# Round sheet: Istanbul, 10 April 2025",
        "",
        "Russia and the United States",
        "",
        "- State: concluded; said by the United States",
        "- Place: Istanbul [1: 1]",
        "- Venue: A house, host the United States [1: 1]",
        "- When: 10 April 2025",
        "- Length: 1 hour [1: 1]",
        "- Delegation of the United States: Somebody, Envoy [1: 1]",
        "- The United States on the round: RoundCharacterised by US. (“constructive”) [1: 1]",
        "",
        "## Before and after",
        "",
        "| Irritant | Claimed | Confirmed | Reported | Rests on | Awaiting |",
        "|---|---|---|---|---|---|",
        VISAS_ROW,
        "",
        "## Visas",
        "",
        HEADLINE,
        "",
        "- Russia: unstated → in talks",
        "- The United States: in talks → formalised",
        "- Russia [in talks]: NextStepAgreed by RU. [1: 1]",
        "- The United States (State Department) [formalised]: Notes were \\*exchanged\\*. (“understanding”) [1: 1]",
        "- The United States: The list was handed over. [1: 1]",
        "- Türkiye, third party [in talks]: DiscussionReported by TR. [1: 1]",
        "- Media [understanding]: Agreed \\| in a newspaper. [1: 1]",
        "- Next step: An action. (owner: Russia; no date; said by the United States, not confirmed; done) [1: 1]",
        "- Next step: Meet. (owner: both sides; due June 2025; said by Russia, not confirmed) [1: 1]",
        "- To be confirmed: The United States is at formalised, Russia at in talks.",
        (
            "- To be confirmed: Only one statement puts it at formalised: by the United States (State Department), in 2"
            " documents."
        ),
        "",
        "## Nothing filed on",
        "",
        "- Flights: claimed proposed, confirmed nothing",
        "",
        "## Out of scope",
        "",
        "- Ukraine: Left out. (said by the United States) [1: 1]",
        "",
        "## No comment",
        "",
        "- Kremlin, on: visas [1: 1]",
        "",
        "## Sources",
        "",
        "1. A paper, paragraphs 1",
        "2. Untitled document, paragraphs 1",
    ]


def test_a_scheduled_round_shows_its_date() -> None:
    filed = Filed().file(TALKS, relation_opened()).file(ROUND, announced("RU"), scheduled("RU", "2025-06", "Moscow"))
    assert "- When: June 2025" in markdown(of(filed)).splitlines()
    unsaid = Filed().file(TALKS, relation_opened()).file(ROUND, announced("MEDIA"))
    said = markdown(of(unsaid)).partition("\n\n- ")[2].splitlines()
    assert said[:3] == ["State: announced; reported by media alone", "- When: not said", ""]


def test_a_proposal_that_its_only_voice_denies_is_said_by_no_one() -> None:
    filed = Filed().file(TALKS, relation_opened()).file(ROUND, convened("RU")).file(VISAS, opened(), tabled("RU"))
    (event,) = (e.id for e in filed.reading(VISAS).events if e.type == "ProposalTabled")
    denied = filed.file(VISAS, contested(event, "RU"))
    (line,) = (line for line in markdown(of(denied, "r2", "r3")).splitlines() if line.startswith("- Offer"))
    assert "said by no one, to the United States" in line


def test_a_joint_text_is_listed_once() -> None:
    filed = (
        Filed().file(TALKS, relation_opened()).file(ROUND, convened("RU")).file(VISAS, opened(), understood("JOINT"))
    )
    assert markdown(of(filed, "r2", "r3")).count("UnderstandingReported by JOINT.") == 1


def test_an_irritant_opened_by_the_round_has_no_state_before() -> None:
    filed = Filed().file(TALKS, relation_opened()).file(ROUND, convened("RU")).file(VISAS, opened(), raised("RU"))
    (item,) = of(filed, "r2", "r3").items
    assert (item.before, item.after.status) == (None, "raised")
    assert "| Banking access | raised | nothing | raised | one side; 1 origin | No one |" in markdown(
        of(filed, "r2", "r3")
    )


def test_attributed_words_are_marked_in_the_text_of_a_sheet() -> None:
    filed = Filed().file(TALKS, relation_opened()).file(ROUND, convened("RU", on="2025-04-10"))
    filed.file(VISAS, opened(), discussed("RU", channel="attributed", on="2025-04-10"), raised("US", on="2025-04-10"))
    text = markdown(of(filed))
    assert "- Russia, only attributed [in talks]: DiscussionReported by RU. [1: 1]" in text
    assert "- The United States [raised]: ConcernRaised by US. [1: 1]" in text


def test_the_place_of_a_round_that_met_is_marked_if_it_was_only_announced() -> None:
    filed = Filed().file(TALKS, relation_opened()).file(ROUND, announced("RU", place="Geneva", on="2025-04-01"))
    filed.file(ROUND, concluded("US", on="2025-04-10"))
    assert "- Place: Geneva, as announced [1: 1]" in markdown(of(filed))
    filed.file(ROUND, convened("US", place="Geneva", on="2025-04-10"))
    assert "- Place: Geneva [1: 1]" in markdown(of(filed))
