"""The sentence that a minister reads: where an irritant is, by whose word, and what else must be known of it.

Every surface shows this string. It is written from the document alone, so a past reading has the sentence of that
reading. Each part is literally true of the record: a side "says" only what it has said itself and not taken back, words
that are only attributed to it are worded so, and whoever is named as doing something is on record with that.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from service.domain import edtf
from service.domain.ladder import LEVELS
from service.projections.names import joined, name_of

if TYPE_CHECKING:
    from service.projections.irritant import AwaitedAct, DisputeDocument, InEffect, IrritantDocument, Side, ThirdParty


class _Phrase(NamedTuple):
    """A predicate: of one actor, of two ("both …"), and after "is said to"."""

    one: str
    two: str
    said_to: str


def _saying(that: str, as_: str) -> _Phrase:
    return _Phrase(f"says that {that}", f"say that {that}", f"regard it as {as_}")


_BY_RUNG: Final = {
    "raised": _Phrase("names it as a problem", "name it as a problem", "name it as a problem"),
    "proposed": _Phrase("proposes a remedy", "propose a remedy", "propose a remedy"),
    "in_talks": _saying("it is taken up between the sides", "taken up between the sides"),
    "understanding": _saying("the substance is agreed", "agreed in substance"),
    "formalised": _saying("it is recorded in an instrument", "recorded in an instrument"),
    "implementing": _saying("something has been carried out", "carried out at least in part"),
    "resolved": _saying("it is settled", "settled"),
}
_BY_TYPE: Final = {
    ("in_talks", "NextStepAgreed"): _saying("a next step is agreed", "a matter on which a next step is agreed"),
    ("proposed", "ProposalAnswered"): _Phrase(
        "makes a counter-proposal", "make counter-proposals", "make a counter-proposal"
    ),
    ("understanding", "ProposalAnswered"): _Phrase(
        "accepts the proposal", "accept the proposal", "accept the proposal"
    ),
    ("implementing", "ResolutionDeclared"): _saying("it is settled in part", "settled in part"),
}
_REPORTED: Final = {
    "raised": "see a problem in it",
    "proposed": "put forward a remedy",
    "in_talks": "report that it is taken up between the sides",
    "understanding": "report that the substance is agreed",
    "formalised": "report that it is recorded in an instrument",
    "implementing": "report that something has been carried out",
    "resolved": "report that it is settled",
}
_DENIED: Final = {
    "ConcernRaised": "the concern",
    "ProposalTabled": "that a remedy was proposed",
    "ProposalAnswered": "the answer that is reported",
    "DiscussionReported": "that it was discussed",
    "UnderstandingReported": "that the substance is agreed",
    "InstrumentExchanged": "that it is recorded in an instrument",
    "InstrumentStated": "what is said of the instrument",
    "NextStepAgreed": "that the next step was agreed",
    "NextStepClosed": "what is said of the step",
    "ImplementationReported": "that it was carried out as reported",
    "ResolutionDeclared": "that it is settled",
    "ProgressReversed": "the reversal",
    "BreachAlleged": "the breach",
    "HoldPlaced": "the hold",
    "HoldLifted": "that the hold is lifted",
    "ItemStatusChanged": "what is said of an item",
    "ClaimContested": "a denial",
}
_LAST: Final = {
    "HoldLifted": "the lifting of a hold",
    "HoldPlaced": "a hold",
    "PositionStated": "a statement of its position",
    "ProposalAnswered": "an answer to a proposal",
    "NextStepClosed": "a report on a step",
    "ItemStatusChanged": "a report on an item",
    "LinkageStated": "a link with another irritant",
    "ReversibilityStated": "a statement on whether it can be undone",
    "ClaimContested": "a denial",
    "BreachAlleged": "an allegation of a breach",
}
_AS_A_SUBJECT: Final = ("suspended_instrument", "terminated_instrument", "expired_instrument", "went_back", "withdrew")


def of(it: "IrritantDocument") -> str:
    """The headline of a document. Total."""
    if not it.assertions:
        return "Nothing is on record yet."
    used: set[str] = set()
    parts = [
        *_lead(it, used),
        *_beside(it, used),
        *_disputes(it.disputes),
        *_reports(it),
        *_figures(it),
        *_awaiting(it),
    ]
    return " ".join(f"{part[:1].upper()}{part[1:]}." for part in parts if part) or "No claim is on record."


# Where the sides are.


def _lead(it: "IrritantDocument", used: set[str]) -> Iterator[str]:
    """Both in one sentence, the further one first. `used` gathers what is said here of what is in effect."""
    order = sorted(it.parties, key=lambda party: -LEVELS[it.parties[party].rung])
    (one, side), (other, another) = ((party, it.parties[party]) for party in order)
    if side.silent and another.silent:
        yield f"{joined([name_of(p) for p in it.parties])} are silent"
    elif _is_plain(side) and _is_plain(another) and side.rung == another.rung:
        yield _both(it)
    else:
        clauses = [clause for p, s in ((one, side), (other, another)) if (clause := _clause(p, s, used))]
        if clauses:
            yield "; ".join(clauses)


def _is_plain(side: "Side") -> bool:
    """Whether a side is on a rung by its own words, and nothing that it did since goes against them."""
    against = any(e.kind in _AS_A_SUBJECT for e in side.in_effect)
    return side.rung != "unstated" and not side.attributed and not against


def _both(it: "IrritantDocument") -> str:
    (one, side), (other, another) = it.parties.items()
    phrase = _phrase(side) if side.says == another.says else _BY_RUNG[side.rung]
    said = f"{name_of(one)} and {name_of(other)} both {phrase.two}"
    if side.instrument_with and side.instrument_with == another.instrument_with:
        said += f", each with {joined([name_of(a) for a in side.instrument_with])}"
    elif side.instrument_with or another.instrument_with:
        named = [(p, s) for p, s in it.parties.items() if s.instrument_with]
        said += "".join(f", {name_of(p)} with {joined([name_of(a) for a in s.instrument_with])}" for p, s in named)
    if side.wording and side.wording == another.wording:
        return f"{said} (“{side.wording}”)"
    words = [f"{name_of(p)}: “{s.wording}”" for p, s in it.parties.items() if s.wording]
    return f"{said} ({'; '.join(words)})" if words else said


def _phrase(side: "Side") -> _Phrase:
    return _BY_TYPE.get((side.rung, side.says or ""), _BY_RUNG[side.rung])


def _clause(party: str, side: "Side", used: set[str]) -> str:
    """What one side says; empty for a side that is on no rung and of which something else is to be said."""
    name = name_of(party)
    falls = [e for e in side.in_effect if e.kind in _AS_A_SUBJECT]
    if falls:
        used.update(e.event for e in falls)
        return f"{name} {joined([_fell(e) for e in falls])}{_still(side, falls)}"
    if side.silent:
        return f"{name} is silent"
    if side.rung == "unstated":
        return "" if side.in_effect else _no_claim(name, side)
    phrase = _phrase(side)
    said = f"{name} is said to {phrase.said_to}" if side.attributed else f"{name} {phrase.one}"
    if side.instrument_with:
        said += f", with {joined([name_of(actor) for actor in side.instrument_with])}"
    return f"{said} (“{side.wording}”)" if side.wording else said


def _fell(fall: "InEffect") -> str:
    done, said_to = {
        "suspended_instrument": ("suspended the instrument", "have suspended the instrument"),
        "terminated_instrument": ("terminated the instrument", "have terminated the instrument"),
        "expired_instrument": ("says that the instrument expired", "regard the instrument as expired"),
        "went_back": ("went back", "have gone back"),
        "withdrew": ("no longer pursues it", "pursue it no longer"),
    }[fall.kind]
    return f"is said to {said_to}{_on(fall.occurred)}" if fall.attributed else f"{done}{_on(fall.occurred)}"


def _still(side: "Side", falls: Iterable["InEffect"]) -> str:
    """What it says nonetheless. Of an instrument that it suspended it is not said that it is in force."""
    kinds = {fall.kind for fall in falls}
    if side.rung == "unstated":
        return " and makes no claim now"
    if kinds & {"suspended_instrument", "terminated_instrument", "expired_instrument"} and side.rung == "formalised":
        return ""
    phrase = _BY_RUNG[side.rung]
    said = f"is said to {phrase.said_to}" if side.attributed else phrase.one
    return f" and now {said}" if "went_back" in kinds else f" and still {said}"


def _no_claim(name: str, side: "Side") -> str:
    last = side.latest
    if last is None or last.type not in _LAST:
        return f"{name} makes no claim"
    return f"{name} makes no claim; its last word is {_LAST[last.type]}{_on(last.occurred)}"


# What is in effect beside the rungs.


def _beside(it: "IrritantDocument", used: set[str]) -> Iterator[str]:
    disputed = {dispute.event for dispute in it.disputes if dispute.denied and dispute.kind != "claim"}
    for party, side in it.parties.items():
        yield from (_remark(party, e) for e in side.in_effect if e.event not in used and e.target not in disputed)
    for third in it.third_parties:
        yield from (_remark(third.actor, e) for e in third.in_effect)


def _remark(actor: str, remark: "InEffect") -> str:
    name, on, words = name_of(actor), _on(remark.occurred), _words(remark)
    match remark.kind:
        case "stalled":
            return _does(name, remark, f"stalled work on it{on}", f"have stalled work on it{on}")
        case "suspended_talks":
            return _does(name, remark, f"suspended the talks on it{on}", f"have suspended the talks on it{on}")
        case "red_line":
            return _does(name, remark, f"draws a red line{words}", f"draw a red line{words}")
        case "rejects":
            of = f" of {joined([name_of(a) for a in remark.about])}" if remark.about else ""
            return _does(name, remark, f"rejects the proposal{of}", f"reject the proposal{of}")
        case "raises_concern":
            return _does(name, remark, f"raises a concern{words}", f"raise a concern{words}")
        case "takes_back":
            return _does(name, remark, "withdrew its statement", "have withdrawn its statement")
        case "denies":
            what = _DENIED.get(remark.of or "", "a statement")
            return _does(name, remark, f"denies {what}", f"deny {what}")
        case _:
            return f"{name} {_fell(remark)}"


def _does(name: str, remark: "InEffect", does: str, said_to: str) -> str:
    return f"{name} is said to {said_to}" if remark.attributed else f"{name} {does}"


def _words(remark: "InEffect") -> str:
    """Its own words, or for a red line what the operator says of it."""
    if remark.wording:
        return f" (“{remark.wording}”)"
    return f": {_plain(remark.summary)}" if remark.kind == "red_line" else ""


def _plain(text: str) -> str:
    return text.rstrip(". ")


# Disputes.


def _disputes(disputes: Iterable["DisputeDocument"]) -> Iterator[str]:
    for dispute in disputes:
        if dispute.kind != "claim":  # What is denied is said of its denier.
            yield _dispute(dispute)


def _dispute(dispute: "DisputeDocument") -> str:
    one, other = name_of(dispute.alleged_by), name_of(dispute.about)
    on = f" ({edtf.describe(dispute.occurred)})" if dispute.occurred else ""
    does, said_to = {
        "reversal": (f"blames {other} for going back{on}", f"blame {other} for going back{on}"),
        "breach": (f"says that {other} broke what was agreed{on}", f"blame {other} for a breach{on}"),
        "terms": (f"gives other terms for a step than {other}", f"give other terms for a step than {other}"),
        "outcome": (f"gives another outcome of a step than {other}", f"give another outcome of a step than {other}"),
        "answer": (
            f"reports an answer that {other} has not given on record{on}",
            f"report an answer that {other} has not given on record{on}",
        ),
        "hold": (f"says that {other} holds it up{on}", f"blame {other} for holding it up{on}"),
        "item": (
            f"calls an item unsettled that {other} calls settled",
            f"call an item unsettled that {other} calls settled",
        ),
    }[dispute.kind]
    said = f"{one} is said to {said_to}" if dispute.attributed else f"{one} {does}"
    if not dispute.denied:
        return said
    return f"{said}, which {other} {'is said to deny' if dispute.denial_attributed else 'denies'}"


# Who else reports what.


def _reports(it: "IrritantDocument") -> Iterator[str]:
    for third in it.third_parties:
        if third.rung not in ("unstated", "raised"):
            yield _third(third)
    if "MEDIA" in it.reported_by and LEVELS[it.reported_status] > LEVELS[it.status]:
        yield f"media {_REPORTED[it.reported_status]}"
    beside = [t for t in it.third_parties if t.rung in ("unstated", "raised") and not t.in_effect]
    if beside:
        yield f"also on record: {joined([name_of(t.actor) for t in beside])}"


def _third(third: "ThirdParty") -> str:
    reports = _REPORTED[third.rung]
    if third.attributed:
        return f"{name_of(third.actor)} is said to {reports}"
    verb, _, rest = reports.partition(" ")
    return f"{name_of(third.actor)} {verb}s {rest}"


# Figures, dates and who is awaited.


def _figures(it: "IrritantDocument") -> Iterator[str]:
    if it.extent is not None:
        yield f"done: {it.extent.done} of {it.extent.of} {it.extent.unit}"
    if it.items.total:
        yield f"items settled: {it.items.settled} of {it.items.total}"
    if it.valid_until is not None:
        yield f"stated to be valid until {edtf.describe(it.valid_until)}"
    if it.lifecycle == "withdrawn":
        yield "the irritant is withdrawn"


_MOST_AWAITED: Final = 2


def _awaiting(it: "IrritantDocument") -> Iterator[str]:
    for awaited in it.awaited[:_MOST_AWAITED]:
        yield _awaited(it, awaited)
    if (more := len(it.awaited) - _MOST_AWAITED) > 0:
        yield f"{more} more {'is' if more == 1 else 'are'} awaited"


def _awaited(it: "IrritantDocument", awaited: "AwaitedAct") -> str:
    whom = "both sides" if len(awaited.of) > 1 else joined([name_of(a) for a in awaited.of])
    due = [f"due {edtf.describe(awaited.due)}"] if awaited.due else []
    by = joined([name_of(a) for a in awaited.by])
    if awaited.kind == "answer":
        return f"awaiting the answer of {whom} to {by}{f' ({due[0]})' if due else ''}: {_plain(awaited.what)}"
    agreed = "agreed by both" if awaited.confirmed else f"agreed to by {by}{'' if len(awaited.by) > 1 else ' alone'}"
    if not awaited.confirmed and len(awaited.by) == len(it.parties):
        agreed = "agreed by both on different terms"
    return f"awaiting {whom}: {_plain(awaited.what)} ({'; '.join([*due, agreed])})"


def _on(occurred: str | None) -> str:
    """When, as far as it is known: " on 10 April 2025", " in May 2025", " (on or before 21 July 2025, day unknown)"."""
    if occurred is None:
        return ""
    described = edtf.describe(occurred)
    span = edtf.parse(occurred)
    if described[:1].isdigit() and span.earliest is not None:
        return f" on {described}" if span.earliest == span.latest else f" in {described}"
    return f" in {described}" if described[:1].isupper() else f" ({described})"
