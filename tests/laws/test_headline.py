"""The truth of sentences: whatever is on record, no headline says what is not, and none leaves out what must be known.

Each law is checked against the assertions themselves, by rules written down here once more and more simply, not by the
state that the headline is made from. `make laws` holds 20,000 histories to all of them.
"""

import re
from collections.abc import Iterator, Sequence

from hypothesis import given
from hypothesis import strategies as st

from service.domain.assertion import Assertion, when
from service.domain.corrections import EffectiveEvent, named_by
from service.domain.history import StreamAtPoint
from service.domain.irritant.state import Irritant
from service.domain.ladder import LEVELS
from service.projections import headline, irritant
from service.projections.irritant import IrritantDocument
from tests.laws.histories import ADVANCING, points

NAMES = {"RU": "Russia", "US": "the United States", "TR": "Türkiye"}
OWN = ("quote", "paraphrase")
ALONE = (
    *("ProgressReversed", "IrritantReopened", "IrritantWithdrawn", "HoldPlaced", "HoldLifted", "PositionStated"),
    "ClaimContested",
)


class Read:
    """One reading of a history at both clocks: its document, its sentence, and what was said."""

    def __init__(self, reading: StreamAtPoint[Irritant]) -> None:
        self.reading = reading
        self.document: IrritantDocument = irritant.view(reading)
        self.headline = self.document.headline
        self.effects = [e for e in reading.effects if e.assertion is not None]

    def by(self, actor: str, *types: str) -> list[EffectiveEvent]:
        """What an actor says of these types, in the order of the world; all, where none is named."""
        return [e for e in self.effects if actor in _voices(e) and (not types or _type(e) in types)]

    def undenied(self, actor: str, *types: str) -> list[EffectiveEvent]:
        """The same without what the actor has denied; what moves its asserter alone not as evidence."""
        denied = _denied(self.by(actor, "ClaimContested"))
        found = (e for e in self.by(actor, *types) if not {e.id, e.root} & denied)
        return [e for e in found if not (e.is_evidence and _type(e) in ALONE)]

    def says(self, actor: str, words: str) -> bool:
        """Whether the headline has this actor as the subject of these words."""
        return re.search(rf"{NAMES[actor]} {words}", self.headline, re.IGNORECASE) is not None


def _voices(effect: EffectiveEvent) -> tuple[str, ...]:
    party = _data(effect).asserted_by.party
    return ("RU", "US") if party == "JOINT" else (party,)


def _data(effect: EffectiveEvent) -> Assertion:
    assert effect.assertion is not None
    return effect.assertion


def _type(effect: EffectiveEvent) -> str:
    return type(effect.data).__name__


def _own(effects: Sequence[EffectiveEvent]) -> bool:
    return any(_data(e).asserted_by.channel in OWN for e in effects)


def _denied(denials: Sequence[EffectiveEvent]) -> set[str]:
    """What denials are of."""
    return set(_in_force(denials).values())


def _in_force(denials: Sequence[EffectiveEvent]) -> dict[str, str]:
    """By denial what it is of; a denial of one's own denial takes that back."""
    held: dict[str, str] = {}
    for denial in denials:
        target = str(vars(denial.data)["target"])
        if denial.is_evidence:
            continue
        if target in held:
            del held[target]
        else:
            held[denial.id] = target
    return held


def reads() -> st.SearchStrategy[Read]:
    """A reading of a random history, at the present or at an earlier point of one clock or of both."""
    return points().map(lambda point: Read(point.reading()))


@given(reads())
def test_a_side_is_called_silent_only_if_nothing_by_it_is_on_record(read: Read) -> None:
    for party in ("RU", "US"):
        spoke = bool(read.by(party))
        assert read.document.parties[party].silent is not spoke
        both = "Russia and the United States are silent" in read.headline
        named = read.says(party, "is silent") or both
        assert named is (not spoke and bool(read.effects))


@given(reads())
def test_nothing_is_on_record_only_without_any_assertion(read: Read) -> None:
    assert ("Nothing is on record" in read.headline) is not bool(read.effects)


@given(reads())
def test_both_say_only_what_each_says_now_in_its_own_words(read: Read) -> None:
    if " both " not in read.headline.partition(".")[0]:
        return
    state, document = read.reading.state, read.document
    for party in ("RU", "US"):
        own = [s for s, level in state.with_levels if s.holder == party and level >= state.confirmed and s.spoken]
        assert own
        assert document.parties[party].rung == document.confirmed_status == document.status
        assert not any(fall.event == document.parties[party].event for fall in state.falls if fall.holder == party)
        assert not any("suspended_instrument" in e.kind for e in document.parties[party].in_effect)


SUBJECTS = {
    "says": (),
    "proposes": ("ProposalTabled", "ProgressReversed", "IrritantReopened"),
    "denies": ("ClaimContested",),
    "withdrew its statement": ("ClaimContested",),
    "rejects": ("ProposalAnswered",),
    "suspended the talks": ("HoldPlaced",),
    "stalled": ("HoldPlaced",),
    "suspended the instrument": ("InstrumentStated",),
    "terminated": ("InstrumentStated",),
    "went back": ("ProgressReversed", "IrritantReopened"),
    "draws a red line": ("PositionStated",),
    "raises a concern": ("ConcernRaised",),
    "blames": ("ProgressReversed",),
    "alone says that it is agreed": ("NextStepAgreed",),
}


@given(reads())
def test_who_is_the_subject_of_a_verb_has_said_so_in_its_own_words(read: Read) -> None:
    for actor in NAMES:
        for words, types in SUBJECTS.items():
            if read.says(actor, words):
                assert _own(read.by(actor, *types)), (actor, words, read.headline)


@given(reads())
def test_a_word_is_called_the_last_only_if_the_dates_or_references_show_it(read: Read) -> None:
    words = {party: side.latest for party, side in read.document.parties.items()}
    words |= {third.actor: third.latest for third in read.document.third_parties}
    for actor, word in words.items():
        if word is None:
            continue
        said = read.by(actor)
        last = next(e for e in said if e.id == word.event)
        others = [e for e in said if e.root != last.root]
        if word.certain:
            assert all(_is_earlier(read, e, last) for e in others), (word, read.headline)
        else:
            assert not read.says(actor, "[^.;]*; its last word is")
            assert any(e.latest is None or last.earliest is None or e.latest >= last.earliest for e in others)


def _is_earlier(read: Read, one: EffectiveEvent, other: EffectiveEvent) -> bool:
    """Whether the one is dated before the other, or is named by it, directly or by what that names."""
    if one.latest is not None and other.earliest is not None and one.latest < other.earliest:
        return True
    names = {e.root for e in read.effects if e.id in named_by(other)}
    named = [e for e in read.effects if e.root in names]
    return one.root in names or any(_is_earlier(read, one, e) for e in named)


@given(reads())
def test_the_date_of_the_last_move_covers_every_change_that_can_be_the_last(read: Read) -> None:
    course = read.reading.state.status_changes
    moved = read.document.last_moved
    assert bool(course) is (moved.position is not None)
    if course and moved.occurred is not None:
        span = when(moved.occurred)
        for change in course:
            assert span.latest is None or (change.latest is not None and change.latest <= span.latest)


@given(reads())
def test_words_that_are_only_attributed_are_worded_so(read: Read) -> None:
    for actor in NAMES:
        if read.by(actor) and not _own(read.by(actor)):
            assert not any(read.says(actor, words) for words in (*SUBJECTS, "accepts", "makes a counter"))


@given(reads())
def test_a_hold_that_is_not_lifted_is_named_with_its_side(read: Read) -> None:
    for party in ("RU", "US"):
        held = None
        for effect in read.undenied(party, "HoldPlaced", "HoldLifted"):
            data = vars(effect.data)
            if _type(effect) == "HoldLifted":
                held = None
            elif data["by"] in (None, "both", party):
                held = data["kind"]
        if held is not None and read.document.lifecycle not in ("resolved", "withdrawn"):
            assert read.says(party, "(is said to have )?(stalled|suspended the talks)"), read.headline
            assert read.document.parties[party].hold == held


@given(reads())
def test_a_suspension_or_termination_that_is_not_taken_back_is_named_with_its_side(read: Read) -> None:
    for party in ("RU", "US"):
        last: dict[str, str] = {}
        for effect in read.undenied(party, "InstrumentStated"):
            data = vars(effect.data)
            if not effect.is_evidence or data["state"] in ("in_force", "extended"):
                last[_first(read, data["instrument"])] = data["state"]
        for state in last.values():
            if state in ("suspended", "terminated"):
                assert read.says(party, f"[^;.]*{state} the instrument"), read.headline


def _first(read: Read, instrument: str, seen: tuple[str, ...] = ()) -> str:
    """The first account of an instrument, of which this event may be another."""
    event = next((e for e in read.effects if e.id == instrument), None)
    if event is None or event.root in seen:
        return instrument
    first = vars(event.data).get("instrument") if _type(event) == "InstrumentExchanged" else None
    return event.root if first is None else _first(read, first, (*seen, event.root))


@given(reads())
def test_a_red_line_is_named_with_its_side(read: Read) -> None:
    for party in ("RU", "US"):
        stances = [vars(e.data)["stance"] for e in read.undenied(party, "PositionStated")]
        if stances and stances[-1] == "red_line":
            assert read.says(party, "(draws|is said to draw) a red line"), read.headline


@given(reads())
def test_a_denial_is_named_until_its_side_stands_there(read: Read) -> None:
    for denial in read.reading.state.denials:
        if denial.denier not in ("RU", "US") or read.reading.state.is_ended(denial):
            continue
        assert read.says(denial.denier, DENIES), (denial, read.headline)
    for party in ("RU", "US"):
        rises = [n for n, e in enumerate(read.effects) if party in _voices(e) and _type(e) in RAISING]
        since = {e.id for e in read.effects[max(rises, default=-1) + 1 :]}
        if since & _in_force(read.by(party, "ClaimContested")).keys():
            assert read.says(party, DENIES), read.headline


DENIES = "(is said to deny|denies|withdrew|is said to have withdrawn)"
RAISING = (*ADVANCING, "ProposalAnswered", "InstrumentStated", "IrritantReopened")


UNDERSTOOD = (
    *("UnderstandingReported", "InstrumentExchanged", "InstrumentStated", "ImplementationReported"),
    *("ResolutionDeclared", "ProposalAnswered"),
)
LOWERED = ("ProgressReversed", "IrritantReopened", "IrritantWithdrawn", "InstrumentStated")


@given(reads())
def test_a_rejection_is_named_with_its_side(read: Read) -> None:
    """As far as no later word can have overtaken it: its side came to no understanding, and no proposer went back."""
    for party, other in (("RU", "US"), ("US", "RU")):
        answers = read.undenied(party, "ProposalAnswered")
        understood = [e for e in read.by(party, *UNDERSTOOD) if vars(e.data).get("answer", "accepted") == "accepted"]
        if understood or read.by(other, *LOWERED):
            continue
        own = {e.root for e in read.by(party, "ProposalTabled")}
        tabled = {
            e.root
            for proposer in (other, "TR")
            for e in read.undenied(proposer, "ProposalTabled")
            if vars(e.data)["addressee"] in (party, "both") and e.root not in own
        }
        last = {
            vars(e.data)["proposal"]: vars(e.data)["answer"] for e in answers if vars(e.data)["answer"] != "deferred"
        }
        if any(answer == "rejected" for proposal, answer in last.items() if proposal in tabled):
            assert read.says(party, "(rejects|is said to reject) the proposal"), read.headline


@given(reads())
def test_no_side_is_awaited_to_answer_its_own_words(read: Read) -> None:
    for act in read.document.awaited:
        if act.kind == "reply":
            assert not set(act.of) & set(act.by), (act, read.headline)
            assert all(read.undenied(party, "ProposalAnswered") for party in act.by)
    for name in ("Russia", "the United States"):
        assert f"the answer of {name} to {name}" not in read.headline


@given(reads())
def test_a_step_is_called_closed_only_by_a_side_that_says_so(read: Read) -> None:
    for act in read.document.awaited:
        for stated in act.outcomes:
            closings = read.undenied(stated.by, "NextStepClosed")
            assert stated.outcome in {vars(e.data)["outcome"] for e in closings}
            assert _own(closings) or stated.attributed


@given(reads())
def test_its_own_reversal_is_named_until_a_side_rises_again(read: Read) -> None:
    for party in ("RU", "US"):
        falls = [fall for fall in read.reading.state.falls if fall.holder == party]
        if falls and falls[-1].does in ("reverse", "reopen") and read.document.parties[party].event == falls[-1].event:
            assert read.says(party, "[^;]*(went back|gone back)"), read.headline


@given(reads())
def test_an_open_breach_is_named_with_who_alleges_it(read: Read) -> None:
    for dispute in read.document.disputes:
        if dispute.kind == "breach":
            said = "(says that .* broke|is said to blame .* for a breach)"
            assert read.says(dispute.alleged_by, said), read.headline
    for party, other in (("RU", "US"), ("US", "RU")):
        alleged = {e.root for e in read.undenied(party, "BreachAlleged") if vars(e.data)["by"] in (other, "both")}
        confirmed = {e.root for e in read.undenied(other, "BreachAlleged")}
        listed = [d for d in read.document.disputes if d.kind == "breach" and d.alleged_by == party]
        assert bool(alleged - confirmed) is bool(listed)


@given(reads())
def test_a_third_partys_latest_denial_and_concern_are_named(read: Read) -> None:
    if read.undenied("TR", "ConcernRaised"):
        assert read.says("TR", "(raises|is said to raise) a concern")
    others = {e.id for e in read.effects if "TR" not in _voices(e)}
    denied = _denied(read.by("TR", "ClaimContested")) & others
    state = read.reading.state
    latest = [d for d in state.denials if d.denier == "TR" and not state.is_ended(d)]
    if denied and latest and latest[-1].target in others:
        assert read.says("TR", "(denies|is said to deny)"), read.headline


@given(reads())
def test_media_are_never_the_subject_of_what_a_third_party_said(read: Read) -> None:
    if not read.by("MEDIA"):
        assert "edia" not in read.headline


@given(reads())
def test_an_instrument_with_another_actor_is_not_said_to_be_between_the_sides(read: Read) -> None:
    for party in ("RU", "US"):
        texts = list(_instruments(read, party))
        plain = read.says(party, "says that it is recorded in an instrument") or BOTH_RECORDED in read.headline
        if plain and texts and all(texts) and not read.by(party, "InstrumentStated", "ProgressReversed"):
            assert "with Türkiye" in read.headline


BOTH_RECORDED = "Russia and the United States both say that it is recorded in an instrument"


def _instruments(read: Read, party: str) -> Iterator[bool]:
    return (vars(e.data)["with_"] is not None for e in read.undenied(party, "InstrumentExchanged"))


@given(reads())
def test_the_headline_follows_from_the_document_alone(read: Read) -> None:
    """So a past reading, which is a document like any other, has the sentence of that reading."""
    again = IrritantDocument.model_validate_json(read.document.model_dump_json(by_alias=True))
    assert headline.of(again) == read.headline


@given(reads())
def test_the_statuses_and_who_is_there_agree(read: Read) -> None:
    document, state = read.document, read.reading.state
    assert state.confirmed <= state.status <= state.reported
    assert all(state.confirmed <= LEVELS[side.rung] <= state.status for side in document.parties.values())
    assert bool(document.stands) is (document.status != "unstated")
    assert bool(document.reported_by) is (document.reported_status != "unstated")


LAWS = [law for name, law in list(globals().items()) if name.startswith("test_")]


@given(reads())
def test_every_law_holds_of_one_history(read: Read) -> None:
    """To generate a history takes longer than to hold it to a law."""
    for law in LAWS:
        law.hypothesis.inner_test(read)
