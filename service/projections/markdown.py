"""The round sheet as Markdown, fit to be pasted into a cable: short lines, every statement with its source.

A source is cited as `[2: 4, 5]`, the number that the list at the end gives the document, and its paragraphs.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from service.domain import edtf
from service.projections.assertions import places
from service.projections.change import StandingDocument
from service.projections.dossier import Said
from service.projections.evidence import Cited
from service.projections.ledger import ProposalDocument, StepDocument
from service.projections.round import RoundDocument
from service.projections.sheet import SheetDocument, SheetItem

MEDIA_TYPE: Final = "text/markdown"

_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>|#&])")
_LENGTH: Final = {"exact": "", "at_least": "at least ", "about": "about "}

Numbers = Mapping[str, int]
"""The number of each document in the list of sources."""


def markdown(sheet: SheetDocument) -> str:
    """The text of a sheet. Total."""
    numbers = {source.document: source.number for source in sheet.sources}
    parts = (
        _header(sheet, numbers),
        _overview(sheet),
        *(_item(item, numbers) for item in sheet.items),
        _untouched(sheet),
        _out_of_scope(sheet, numbers),
        _no_comment(sheet, numbers),
        _sources(sheet),
    )
    return "\n\n".join(text for part in parts if (text := "\n".join(part))) + "\n"


def _header(sheet: SheetDocument, numbers: Numbers) -> Iterator[str]:
    met = sheet.round
    held = (met.place, _date(met.date) if met.date else None)
    yield f"# Round sheet: {_text(', '.join(part for part in held if part) or sheet.id)}"
    yield ""
    yield f"{_text(sheet.title)} ({sheet.id})"
    yield ""
    yield f"- State: {met.phase}{', preliminary' if met.preliminary else ''}; {_said(met.standing)}"
    yield from _facts(met, numbers)
    for party, named in met.heads.items():
        for head in named:
            told = _cites(head.backing.evidence, numbers)
            yield f"- Delegation of {party}: {_text(head.person)}, {_text('; '.join(head.roles))}{told}"
    for voice, characterisations in met.characterisations.items():
        for words in characterisations:
            told = _cites(words.backing.evidence, numbers)
            yield f"- {voice} on the round: {_text(words.summary)}{_quoted(words.wording)}{told}"


def _facts(met: RoundDocument, numbers: Numbers) -> Iterator[str]:
    if met.place:
        told = _cites((cited for step in met.course if step.place for cited in step.backing.evidence), numbers)
        yield f"- Place: {_text(met.place)}{told}"
    if met.venue:
        told = _cites((cited for venue in met.venues for cited in venue.backing.evidence), numbers)
        yield f"- Venue: {_text(met.venue)}{f', host {met.host}' if met.host else ''}{told}"
    if met.date or met.timing:
        yield f"- When: {_date(met.date) if met.date else _text(met.timing or '')}"
    else:
        yield "- When: not said"
    if met.duration:
        told = _cites((cited for step in met.course if step.hours for cited in step.backing.evidence), numbers)
        hours = met.duration.hours
        yield f"- Length: {_LENGTH[met.duration.qualifier]}{hours} hour{'' if hours == 1 else 's'}{told}"


def _overview(sheet: SheetDocument) -> Iterator[str]:
    if not sheet.items:
        return
    yield "## Before and after"
    yield ""
    yield "| Irritant | Claimed | Confirmed | Reported | Rests on | Awaiting |"
    yield "|---|---|---|---|---|---|"
    for item in sheet.items:
        was, now = item.before, item.after
        moved = (_moved(was, now, name) for name in ("status", "confirmed_status", "reported_status"))
        yield f"| {_text(item.title)} | {' | '.join(moved)} | {_rests_on(now)} | {now.awaiting} |"


def _moved(was: StandingDocument | None, now: StandingDocument, field: str) -> str:
    before, after = getattr(was, field, None), _word(getattr(now, field))
    return after if before is None or _word(before) == after else f"{_word(before)} → {after}"


def _rests_on(now: StandingDocument) -> str:
    return f"{_word(now.basis)}; {now.origins} origin{'' if now.origins == 1 else 's'}"


def _item(item: SheetItem, numbers: Numbers) -> Iterator[str]:
    yield f"## {_text(item.title)}"
    yield ""
    yield _text(item.after.headline)
    yield ""
    for party, rung in item.after.rungs.items():
        before = item.before.rungs.get(party, "unstated") if item.before else "unstated"
        stands = _word(rung) if before == rung else f"{_word(before)} → {_word(rung)}"
        yield f"- {party}: {stands}{'; silent' if party in item.silent else ''}"
    # A text of both is in the columns of both, and said once.
    for statement in {said.event: said for column in item.voices.values() for said in column}.values():
        if not statement.relay:
            yield f"- {_statement(statement)}{_cites([statement.cited], numbers)}"
    for step in item.next_steps:
        yield f"- {_step(step)}{_cites(step.backing.evidence, numbers)}"
    for proposal in item.proposals:
        yield f"- {_proposal(proposal)}{_cites(proposal.backing.evidence, numbers)}"
    for unconfirmed in item.uncorroborated:
        yield f"- To be confirmed: {_text(unconfirmed.why)}"


def _statement(said: Said) -> str:
    by = said.cited.asserted_by
    speaker = ", ".join(part for part in (by.organ, by.person) if part)
    whose = f"{by.party} ({_text(speaker)})" if speaker else by.party
    rung = f" [{_word(said.rung)}]" if said.rung else ""
    return (
        f"{whose}{rung}: {_text(said.cited.summary)}{_quoted(said.cited.wording)}{' (denied)' if said.denied else ''}"
    )


def _step(step: StepDocument) -> str:
    due = f"due {_date(step.due.edtf)}" if step.due else "no date"
    state = "" if step.open else f"; {step.outcome}"
    confirmed = f"confirmed by {' and '.join(step.confirmed_by)}" if step.confirmed_by else "not confirmed"
    return f"Next step: {_text(step.action)} (owner {step.owner}, {due}; {_said(step.claimed_by)}, {confirmed}{state})"


def _proposal(proposal: ProposalDocument) -> str:
    state = "open" if proposal.open else f"closed: {proposal.closed_as}"
    tabled = f"{_said(proposal.tabled_by)}, to {proposal.addressee}"
    return f"{proposal.kind.capitalize()}: {_text(proposal.terms)} ({tabled}; {state})"


def _untouched(sheet: SheetDocument) -> Iterator[str]:
    if sheet.untouched:
        yield "## Nothing filed on"
        yield ""
    for one in sheet.untouched:
        yield f"- {_text(one.title)}: {_word(one.standing.status)}, confirmed {_word(one.standing.confirmed_status)}"


def _out_of_scope(sheet: SheetDocument, numbers: Numbers) -> Iterator[str]:
    if sheet.out_of_scope:
        yield "## Out of scope"
        yield ""
    for excluded in sheet.out_of_scope:
        summaries = _text(" ".join(excluded.summaries))
        backed = excluded.backing
        yield f"- {_text(excluded.subject)}: {summaries} ({_said(backed.said_by)}){_cites(backed.evidence, numbers)}"


def _no_comment(sheet: SheetDocument, numbers: Numbers) -> Iterator[str]:
    if sheet.no_comment:
        yield "## No comment"
        yield ""
    for silence in sheet.no_comment:
        organs, told = _text(", ".join(silence.organs)), _cites(silence.backing.evidence, numbers)
        yield f"- {organs}, on: {_text(silence.about)}{told}"


def _sources(sheet: SheetDocument) -> Iterator[str]:
    if sheet.sources:
        yield "## Sources"
        yield ""
    for source in sheet.sources:
        publisher = f"{_text(source.publisher)} " if source.publisher else ""
        paragraphs = ", ".join(map(str, source.paragraphs))
        yield f"{source.number}. {publisher}({source.document}), paragraphs {paragraphs}; {', '.join(source.origins)}"


def _cites(cited: Iterable[Cited], numbers: Numbers) -> str:
    """Where these are read: ` [2: 4, 5; 5: 1]`."""
    read = (f"{numbers[place.document]}: {', '.join(map(str, place.paragraphs))}" for place in places(cited))
    told = "; ".join(read)
    return f" [{told}]" if told else ""


def _said(parties: Iterable[str]) -> str:
    told = " and ".join(parties)
    return f"said by {told}" if told else "said by media alone"


def _quoted(wording: str | None) -> str:
    return f" (“{_text(wording)}”)" if wording else ""


def _date(written: str) -> str:
    return _text(edtf.describe(written))


def _word(word: str) -> str:
    return word.replace("_", " ")


def _text(text: str) -> str:
    """Text as text, whatever Markdown would make of it."""
    return _SPECIAL.sub(r"\\\1", text)
