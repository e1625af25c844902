"""The headline of an irritant: where it is, who says so, and what else a reader must know.

Example: "The United States says that the substance is agreed; Russia proposes a remedy. Awaiting both sides: …". The
API, the pages and the command line show the same text. It depends only on `IrritantDocument`, so a past reading has its
own headline. Each part is literally true of the record. A side "says" only what it said in its own words and has not
taken back. It "is said to" do what is only attributed to it.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from service.domain import edtf
from service.domain.actor.names import NO_NAMES, ActorNames
from service.domain.ladder import LEVELS, Rung
from service.projections.words.names import at_the_beginning, is_plural, joined, name_of

if TYPE_CHECKING:
    from service.domain.irritant.disputes import Dispute
    from service.projections.irritant import (
        AwaitedAct,
        DisputeDocument,
        ExtentDocument,
        InEffect,
        IrritantDocument,
        Side,
        ThirdParty,
    )


class _Phrase(NamedTuple):
    """A predicate in three forms: for one actor, for two ("both …"), and after "is said to"."""

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
    # Also a side that reports the acceptance of the other stands there, so "accepts" could be false.
    ("understanding", "ProposalAnswered"): _saying("the proposal is accepted", "accepted as proposed"),
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
_REPORTED_BY_TYPE: Final = {
    ("in_talks", "NextStepAgreed"): "report that a next step is agreed",
    ("understanding", "ProposalAnswered"): "report that the proposal is accepted",
    ("implementing", "ResolutionDeclared"): "report that it is settled in part",
}
_BY_MEDIA: Final = {
    "raised": "report that it is named as a problem",
    "proposed": "report that a remedy was put forward",
}
"""Media do not see problems or put forward remedies themselves."""
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
    "HoldLifted": "on the lifting of a hold",
    "HoldPlaced": "on a hold",
    "PositionStated": "on its position",
    "ProposalAnswered": "on the answer to a proposal",
    "NextStepClosed": "on the outcome of a step",
    "ItemStatusChanged": "on an item",
    "LinkageStated": "on a link with another irritant",
    "ReversibilityStated": "on whether it can be undone",
    "ClaimContested": "on a denial",
    "BreachAlleged": "on a breach",
}
"""What the last word of a side is on. It can be a report of what the other side did, so it is not called a hold."""
_AS_A_SUBJECT: Final = ("suspended_instrument", "terminated_instrument", "expired_instrument", "went_back", "withdrew")


def of(it: "IrritantDocument", names: ActorNames = NO_NAMES) -> str:
    """Return the headline of a document. `names` are the names of actors on record. Total."""
    if not it.assertions:
        return "Nothing is on record yet."
    used: set[str] = set()
    parts = [
        *_sides(it, used, names),
        *_remarks(it, used, names),
        *_disputes(it.disputes, names),
        *_reports(it, names),
        *_figures(it, names),
        *_awaiting(it, names),
    ]
    return " ".join(f"{at_the_beginning(part)}." for part in parts if part) or "No claim is on record."


# Where the sides are.


def _sides(it: "IrritantDocument", used: set[str], names: ActorNames) -> Iterator[str]:
    """Yield a sentence on both sides, the side on the higher rung first.

    Add to `used` the events in effect that the sentence mentions, so that no later sentence repeats them.
    """
    order = sorted(it.parties, key=lambda party: -LEVELS[it.parties[party].rung])
    (one, side), (other, another) = ((party, it.parties[party]) for party in order)
    if side.silent and another.silent:
        yield f"{_list(it.parties, names)} are silent"
    elif _is_plain(side) and _is_plain(another) and side.rung == another.rung:
        yield _both(it, names)
    else:
        clauses = [clause for p, s in ((one, side), (other, another)) if (clause := _clause(p, s, used, names))]
        if clauses:
            yield "; ".join(clauses)


def _is_plain(side: "Side") -> bool:
    """Return whether a side is on a rung by its own words, and has since reversed or suspended nothing."""
    against = any(e.kind in _AS_A_SUBJECT for e in side.in_effect)
    return side.rung != "unstated" and not side.attributed and not against


def _both(it: "IrritantDocument", names: ActorNames) -> str:
    """Return the clause on two sides on the same rung, such as `Mexico and Cuba both say that it is settled`."""
    (one, side), (other, another) = it.parties.items()
    phrase = _phrase(side) if side.says == another.says else _BY_RUNG[side.rung]
    said = f"{_list((one, other), names)} both {phrase.two}"
    if side.instrument_with and side.instrument_with == another.instrument_with:
        said += f", each with {_list(side.instrument_with, names)}"
    elif side.instrument_with or another.instrument_with:
        named = [(p, s) for p, s in it.parties.items() if s.instrument_with]
        said += "".join(f", {name_of(p, names)} with {_list(s.instrument_with, names)}" for p, s in named)
    if side.wording and side.wording == another.wording:
        return f"{said} (“{side.wording}”)"
    words = [f"{name_of(p, names)}: “{s.wording}”" for p, s in it.parties.items() if s.wording]
    return f"{said} ({'; '.join(words)})" if words else said


def _phrase(side: "Side") -> _Phrase:
    return _BY_TYPE.get((side.rung, side.says or ""), _BY_RUNG[side.rung])


def _clause(party: str, side: "Side", used: set[str], names: ActorNames) -> str:
    """Return what one side says. Return nothing for a side on no rung if another sentence mentions it."""
    name = name_of(party, names)
    falls = [e for e in side.in_effect if e.kind in _AS_A_SUBJECT]
    if falls:
        used.update(e.event for e in falls)
        return f"{name} {joined([_fell(e) for e in falls])}{_after_fall(side, falls)}"
    if side.silent:
        return f"{name} is silent"
    if side.rung == "unstated":
        return "" if side.in_effect else _no_claim(name, side)
    phrase = _phrase(side)
    said = f"{name} is said to {phrase.said_to}" if side.attributed else f"{name} {phrase.one}"
    if side.instrument_with:
        said += f", with {_list(side.instrument_with, names)}"
    return f"{said} (“{side.wording}”)" if side.wording else said


def _fell(fall: "InEffect") -> str:
    done, said_to = {
        "suspended_instrument": ("suspended the instrument", "have suspended the instrument"),
        "terminated_instrument": ("terminated the instrument", "have terminated the instrument"),
        "expired_instrument": ("says that the instrument expired", "regard the instrument as expired"),
        "went_back": ("went back", "have gone back"),
        "withdrew": ("withdrew the irritant", "have withdrawn the irritant"),
    }[fall.kind]
    return f"is said to {said_to}{_on(fall.occurred)}" if fall.attributed else f"{done}{_on(fall.occurred)}"


def _after_fall(side: "Side", falls: Iterable["InEffect"]) -> str:
    """Return what the side still says after a fall. Leave out an instrument that it has suspended or ended."""
    kinds = {fall.kind for fall in falls}
    if side.rung == "unstated":
        return " and makes no claim now"
    if kinds & {"suspended_instrument", "terminated_instrument", "expired_instrument"} and side.rung == "formalised":
        return ""
    phrase = _BY_RUNG[side.rung]
    said = f"is said to {phrase.said_to}" if side.attributed else phrase.one
    return f" and now {said}" if "went_back" in kinds else f" and still {said}"


def _no_claim(name: str, side: "Side") -> str:
    """Return the clause on a side that has spoken but is on no rung."""
    last = side.latest
    if last is None or last.type not in _LAST:
        return f"{name} makes no claim"
    is_last = "is" if last.certain else "may be"
    return f"{name} makes no claim; its last word {is_last} {_LAST[last.type]}{_dated(last.occurred)}"


# Holds, red lines, denials and other statements in effect that are not rungs.


def _remarks(it: "IrritantDocument", used: set[str], names: ActorNames) -> Iterator[str]:
    disputed = {dispute.event for dispute in it.disputes if dispute.denied and dispute.kind != "claim"}
    for party, side in it.parties.items():
        others = (e for e in side.in_effect if e.event not in used and e.target not in disputed)
        yield from (_remark(party, side.rung, e, names) for e in others)
    for third in it.third_parties:
        yield from (_remark(third.actor, third.rung, e, names) for e in third.in_effect)


def _remark(actor: str, rung: Rung, remark: "InEffect", names: ActorNames) -> str:
    name, on, words = name_of(actor, names), _on(remark.occurred), _words(remark)
    match remark.kind:
        case "stalled":
            return _act(name, remark, f"stalled work on it{on}", f"have stalled work on it{on}")
        case "suspended_talks":
            return _act(name, remark, f"suspended the talks on it{on}", f"have suspended the talks on it{on}")
        case "red_line":
            return _act(name, remark, f"draws a red line{words}", f"draw a red line{words}")
        case "rejects":
            of = f" of {_list(remark.about, names)}" if remark.about else ""
            if remark.about and remark.about_attributed:
                by = _list(remark.about, names)
                of = f" that {by} {_is(by)} said to make"
            return _act(name, remark, f"rejects the proposal{of}", f"reject the proposal{of}")
        case "raises_concern":
            return _act(name, remark, f"raises a concern{words}", f"raise a concern{words}")
        case "takes_back":
            return _act(name, remark, "withdrew its statement", "have withdrawn its statement")
        case "denies":
            what = _denied(rung, remark, names)
            return _act(name, remark, f"denies {what}", f"deny {what}")
        case _:
            return f"{name} {_fell(remark)}"


def _denied(rung: Rung, remark: "InEffect", names: ActorNames) -> str:
    """Return what an actor denies. If it is on that rung itself, it denies a statement only, not what this says."""
    if remark.rung == "unstated" or LEVELS[rung] < LEVELS[remark.rung]:
        return _DENIED.get(remark.of or "", "a statement")
    if not remark.about:
        return "words that are attributed to it"
    by = _list(remark.about, names)
    if remark.about_attributed:
        return f"words that are attributed to {by}"
    return f"what {by} {'say' if is_plural(by) or len(remark.about) > 1 else 'says'} of it"


def _act(name: str, remark: "InEffect", does: str, said_to: str) -> str:
    """Return what an actor does. The verb form after "said to" is also the plural form."""
    if remark.attributed:
        return f"{name} {'are' if is_plural(name) else 'is'} said to {said_to}"
    return f"{name} {said_to if is_plural(name) else does}"


def _words(remark: "InEffect") -> str:
    """Return the actor's own words. For a red line without a quotation, return the summary by the operator."""
    if remark.wording:
        return f" (“{remark.wording}”)"
    return f": {_plain(remark.summary)}" if remark.kind == "red_line" else ""


def _plain(text: str) -> str:
    return text.rstrip(". ")


# Disputes.


def _disputes(disputes: Iterable["DisputeDocument"], names: ActorNames) -> Iterator[str]:
    for dispute in disputes:
        if dispute.kind != "claim":  # the sentence on the denier mentions a denied claim
            yield of_dispute(dispute, names)


def of_dispute(dispute: "DisputeDocument | Dispute", names: ActorNames = NO_NAMES) -> str:
    """Return a dispute in words, without a full stop."""
    one, other = name_of(dispute.alleged_by, names), name_of(dispute.about, names)
    on = f" ({edtf.describe(dispute.occurred)})" if dispute.occurred else ""
    does, said_to = {
        "reversal": (f"blames {other} for going back{on}", f"blame {other} for going back{on}"),
        "claim": ("makes a claim", "make a claim"),
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


# Reports by third parties and media.


def _reports(it: "IrritantDocument", names: ActorNames) -> Iterator[str]:
    for third in it.third_parties:
        if third.rung not in ("unstated", "raised"):
            yield _third(third, names)
    if "MEDIA" in it.reported_by and LEVELS[it.reported_status] > LEVELS[it.status]:
        yield f"media {_BY_MEDIA.get(it.reported_status, _REPORTED[it.reported_status])}"
    others = [t.actor for t in it.third_parties if t.rung in ("unstated", "raised") and not t.in_effect]
    if others:
        yield f"also on record: {_list(others, names)}"


def _third(third: "ThirdParty", names: ActorNames) -> str:
    name = name_of(third.actor, names)
    reports = _REPORTED_BY_TYPE.get((third.rung, third.says or ""), _REPORTED[third.rung])
    if third.attributed:
        return f"{name} {'are' if is_plural(name) else 'is'} said to {reports}"
    if is_plural(name):
        return f"{name} {reports}"
    verb, _, rest = reports.partition(" ")
    return f"{name} {verb}s {rest}"


# Figures, dates and awaited acts.


def awaited_in_short(it: "IrritantDocument", names: ActorNames = NO_NAMES) -> tuple[str, ...]:
    """Return each awaited act as the side and the act: `the United States: answer to Russia: visas within a month`."""
    return tuple(_in_short(awaited, names) for awaited in it.awaited)


def _in_short(awaited: "AwaitedAct", names: ActorNames) -> str:
    due = f" (due {edtf.describe(awaited.due)})" if awaited.due else ""
    answer = "" if awaited.kind == "step" else f"answer to {_to_be_answered(awaited, names)}: "
    return f"{_whom(awaited, names)}: {answer}{_plain(awaited.what)}{due}"


def _whom(awaited: "AwaitedAct", names: ActorNames) -> str:
    return "both sides" if len(awaited.of) > 1 else _list(awaited.of, names)


def _figures(it: "IrritantDocument", names: ActorNames) -> Iterator[str]:
    if it.extent is not None:
        yield f"done{_by(it.extent, names)}: {_number(it.extent.done)} of {_number(it.extent.of)} {it.extent.unit}"
    if it.items.total:
        settled = "said to be settled" if it.items.settled else "settled"
        yield f"items {settled}: {it.items.settled} of {it.items.total}"
    if it.valid_until is not None:
        yield f"stated to be valid until {edtf.describe(it.valid_until)}"
    if it.lifecycle == "withdrawn":
        yield "the irritant is withdrawn"


def _by(extent: "ExtentDocument", names: ActorNames) -> str:
    """Return who gives a count, or nothing if both sides give it in their own words."""
    if extent.attributed:
        return f", by words attributed to {_list(extent.by, names)}"
    return f", according to {_list(extent.by, names)}" if len(extent.by) == 1 else ""


def _number(filed: int | str) -> str:
    """Return a number with commas between thousands, such as `1,750,000`. A decimal keeps its digits."""
    return f"{filed:,}" if isinstance(filed, int) else f"{Decimal(filed):,f}"


_MOST_AWAITED: Final = 2


def _awaiting(it: "IrritantDocument", names: ActorNames) -> Iterator[str]:
    for awaited in it.awaited[:_MOST_AWAITED]:
        yield _awaited(it, awaited, names)
    if (more := len(it.awaited) - _MOST_AWAITED) > 0:
        yield f"{more} more {'is' if more == 1 else 'are'} awaited"


def _awaited(it: "IrritantDocument", awaited: "AwaitedAct", names: ActorNames) -> str:
    whom = _whom(awaited, names)
    due = [f"due {edtf.describe(awaited.due)}"] if awaited.due else []
    if awaited.kind != "step":
        to = _to_be_answered(awaited, names)
        return f"awaiting the answer of {whom} to {to}{f' ({due[0]})' if due else ''}: {_plain(awaited.what)}"
    details = [*due, _agreed(it, awaited, names), *_outcomes(awaited, names)]
    return f"awaiting {whom}: {_plain(awaited.what)} ({'; '.join(details)})"


_OUTCOMES: Final = {
    "done": ("says that it is done", "done"),
    "lapsed": ("says that it lapsed", "lapsed"),
    "dropped": ("says that it was dropped", "dropped"),
}


def _outcomes(awaited: "AwaitedAct", names: ActorNames) -> Iterator[str]:
    """Yield what each side says became of a step on whose outcome the sides do not agree."""
    for stated in awaited.outcomes:
        says, as_ = _OUTCOMES[stated.outcome]
        yield f"{name_of(stated.by, names)} {f'is said to regard it as {as_}' if stated.attributed else says}"


def _to_be_answered(awaited: "AwaitedAct", names: ActorNames) -> str:
    """Return who proposes, or what they are said to propose if they do not say so in their own words."""
    by = _list(awaited.by, names)
    if awaited.kind == "reply":
        if set(awaited.by) <= set(awaited.attributed):
            return f"the counter-proposal that {by} {_is(by)} said to make on"
        return f"the counter-proposal of {by} on"
    return f"what {by} {_is(by)} said to propose" if set(awaited.by) <= set(awaited.attributed) else by


def _agreed(it: "IrritantDocument", awaited: "AwaitedAct", names: ActorNames) -> str:
    """Return who agrees to a step. A side agrees only by its own words, else it is said to agree."""
    attributed = _list(awaited.attributed, names) if awaited.attributed else ""
    if len(awaited.by) < len(it.parties):
        (by,) = (name_of(party, names) for party in awaited.by)
        return f"of the sides {by} alone {'is said to agree to it' if attributed else 'says that it is agreed'}"
    own = [party for party in awaited.by if party not in awaited.attributed]
    if not attributed:
        both = "agreed by both"
    elif own:
        both = f"agreed to by {_list(own, names)}, and {attributed} is said to agree to it"
    else:
        both = "both are said to agree to it"
    if awaited.confirmed or not awaited.terms_of:
        return both
    of = _list(awaited.terms_of, names)
    if awaited.differing:
        return f"{both}, on different terms, here those of {of}"
    # A term that one side leaves open contradicts nothing. The sentence shows the due date, of all terms but the owner.
    return f"{both}, the due date by {of} alone" if awaited.due and len(awaited.terms_of) == 1 else both


def _is(name: str) -> str:
    return "are" if is_plural(name) or " and " in name else "is"


def _list(actors: Iterable[str], names: ActorNames) -> str:
    return joined([name_of(actor, names) for actor in actors])


def _dated(occurred: str | None) -> str:
    """Return a date in brackets, such as " (10 April 2025)"."""
    return f" ({edtf.describe(occurred)})" if occurred else ""


def _on(occurred: str | None) -> str:
    """Return a date with its preposition, such as " on 10 April 2025" or " (on or before 21 July 2025)"."""
    if occurred is None:
        return ""
    described = edtf.describe(occurred)
    span = edtf.parse(occurred)
    if described[:1].isdigit() and span.earliest is not None:
        return f" on {described}" if span.earliest == span.latest else f" in {described}"
    return f" in {described}" if described[:1].isupper() else f" ({described})"
