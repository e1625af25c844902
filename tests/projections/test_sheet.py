"""The round sheet: what one round brought, as a document and as Markdown."""

import pytest

from service.projections import sheet
from service.projections.markdown import markdown
from service.projections.sheet import SheetDocument
from tests.build import (
    Filed,
    announced,
    characterised,
    concluded,
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


def of_seeds(slug: str, first: str, after_last: str | None = None) -> SheetDocument:
    """The sheet of a round of the seeds, on which these files were the first and the last to report."""
    seeds = seeded()
    before = seeds.readings(seeds.before(first))
    after = seeds.readings(seeds.before(after_last) if after_last else None)
    return sheet.view(
        round=seeds.reading(f"round/ru-us/{slug}"),
        before=before["irritants"],
        after=after["irritants"],
        relation=after["relation"],
        sources=[history.reading() for name, history in seeds.histories.items() if name.startswith("source/")],
        round_of=seeds.round_of,
    )


def of(filed: Filed, before: int) -> SheetDocument:
    """The sheet of the one round of a record, which was not yet reported on at a position."""
    irritants = [stream for stream in (VISAS, FLIGHTS) if filed.history(stream).events]
    was = [filed.history(stream).as_of(before).reading() for stream in irritants]
    return sheet.view(
        round=filed.reading(ROUND),
        before=[reading for reading in was if reading.events],
        after=[filed.reading(stream) for stream in irritants],
        relation=filed.reading(TALKS),
        sources=[filed.reading("source/a0")],
    )


APRIL = of_seeds("istanbul-april", "06-april-round", "08-interview")


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


def test_a_phase_is_said_by_who_reports_that_phase_not_by_whoever_speaks_of_the_round() -> None:
    """That there was a round in April is on record from a side; that it was over is told by an outlet."""
    assert APRIL.round.said_by == ("RU",)
    assert APRIL.round.standing == ()
    assert "- State: concluded; said by media alone\n" in markdown(APRIL)


def test_what_the_april_round_brought() -> None:
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


def test_what_is_uncorroborated_is_said_beside_what_was_brought() -> None:
    kinds = {item.irritant: [one.kind for one in item.uncorroborated] for item in APRIL.items}
    assert kinds["ru-us/banking-access"] == ["claimed_above_confirmed", "one_origin"]
    assert kinds["ru-us/property-return"] == ["media_only", "silent_side", "silent_side"]


def test_of_a_round_that_is_only_announced_there_is_what_is_known_and_nothing_more() -> None:
    coming = of_seeds("moscow-next", "00-opening")
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
        "Russia and the United States (ru-us/moscow-next)\n"
        "\n"
        "- State: announced, preliminary; said by RU\n"
        "- Place: Moscow [1: 4, 6, 13; 2: 2, 5; 3: 4, 6]\n"
        "- When: soon\n"
        "\n"
        "## Sources\n"
        "\n"
        "1. Brussels Morning Newspaper (a0-brussels-morning-moscow), paragraphs 4, 6, 13; darchiev-interview\n"
        "2. Outlet not named; by-line Tamilla Hasanova (a1-hasanova), paragraphs 2, 5; darchiev-interview\n"
        "3. Outlet not named; translation by Iurie Tataru (a2-tataru), paragraphs 4, 6; darchiev-interview\n"
    )


@pytest.mark.parametrize("file", [APRIL, of_seeds("istanbul-february", "02-february-round", "03-direct-flights")])
def test_every_statement_of_the_text_cites_a_document_that_is_in_its_list(file: SheetDocument) -> None:
    text, _, sources = markdown(file).partition("## Sources")
    statements = [line for line in text.splitlines() if line.startswith(("- RU (", "- US (", "- MEDIA [", "- Next"))]
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
    "| Visas | in talks → formalised | unstated → in talks | in talks → formalised | one side; 1 origin | both |"
)


HEADLINE = (
    "The United States says that it is recorded in an instrument (“understanding”); Russia says that a next step is"
    " agreed. Türkiye reports that it is taken up between the sides. Awaiting both sides: Meet (due June 2025; agreed"
    " to by Russia alone)."
)


def test_a_whole_sheet_as_text() -> None:
    assert markdown(of(RECORD, 7)).splitlines() == [
        "# Round sheet: Istanbul, 10 April 2025",
        "",
        "Russia and the United States (ru-us/april)",
        "",
        "- State: concluded; said by US",
        "- Place: Istanbul [1: 1]",
        "- Venue: A house, host US [1: 1]",
        "- When: 10 April 2025",
        "- Length: 1 hour [1: 1]",
        "- Delegation of US: Somebody, Envoy [1: 1]",
        "- US on the round: RoundCharacterised by US. (“constructive”) [1: 1]",
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
        "- RU: unstated → in talks",
        "- US: in talks → formalised",
        "- RU [in talks]: NextStepAgreed by RU. [1: 1]",
        "- US (State Department) [formalised]: Notes were \\*exchanged\\*. (“understanding”) [1: 1]",
        "- US: The list was handed over. [1: 1]",
        "- TR [in talks]: DiscussionReported by TR. [1: 1]",
        "- MEDIA [understanding]: Agreed \\| in a newspaper. [1: 1]",
        "- Next step: An action. (owner RU, no date; said by US, not confirmed; done) [1: 1]",
        "- Next step: Meet. (owner both, due June 2025; said by RU, not confirmed) [1: 1]",
        "- To be confirmed: The other side is at formalised, Russia at in talks.",
        "- To be confirmed: Only one statement puts it at formalised: us-statement, in 2 documents.",
        "",
        "## Nothing filed on",
        "",
        "- Flights: proposed, confirmed unstated",
        "",
        "## Out of scope",
        "",
        "- ukraine: Left out. (said by US) [1: 1]",
        "",
        "## No comment",
        "",
        "- Kremlin, on: visas [1: 1]",
        "",
        "## Sources",
        "",
        "1. A paper (a0), paragraphs 1; media-statement, ru-statement, tr-statement, us-statement",
        "2. (a1), paragraphs 1; us-statement",
    ]


def test_a_round_that_was_put_on_the_calendar_says_when() -> None:
    filed = Filed().file(TALKS, relation_opened()).file(ROUND, announced("RU"), scheduled("RU", "2025-06", "Moscow"))
    assert "- When: June 2025" in markdown(of(filed, 0)).splitlines()
    unsaid = Filed().file(TALKS, relation_opened()).file(ROUND, announced("MEDIA"))
    said = markdown(of(unsaid, 0)).partition("\n\n- ")[2].splitlines()
    assert said[:3] == ["State: announced; said by media alone", "- When: not said", ""]


def test_a_text_of_both_is_told_once() -> None:
    filed = (
        Filed().file(TALKS, relation_opened()).file(ROUND, convened("RU")).file(VISAS, opened(), understood("JOINT"))
    )
    assert markdown(of(filed, 2)).count("UnderstandingReported by JOINT.") == 1


def test_an_irritant_that_the_round_brought_up_was_not_on_record_before() -> None:
    filed = Filed().file(TALKS, relation_opened()).file(ROUND, convened("RU")).file(VISAS, opened(), raised("RU"))
    (item,) = of(filed, 2).items
    assert (item.before, item.after.status) == (None, "raised")
    assert "| Banking access | raised | unstated | raised | one side; 1 origin | none |" in markdown(of(filed, 2))
