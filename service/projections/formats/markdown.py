"""The round sheet and the dossier as Markdown, to paste into a cable: short lines, each statement with its source.

`GET /v1/rounds/{relation}/{slug}/sheet` and `GET /v1/irritants/{relation}/{slug}/dossier` return it for
`Accept: text/markdown`. `irritants sheet` and `irritants dossier --markdown` print it. A
citation such as `[2: 4, 5]` has the number of a document in the list of sources at the end, and its paragraphs.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from service.domain import edtf
from service.domain.actors import JOINT, MEDIA
from service.projections.assertions import Place, cited_in, places
from service.projections.change import StandingDocument
from service.projections.dossier import DenialDocument, DossierDocument, InstrumentDocument, Said
from service.projections.evidence import Cited
from service.projections.ledger import ProposalDocument, StepDocument
from service.projections.round import RoundDocument
from service.projections.sheet import SheetDocument, SheetItem
from service.projections.words.bidi import isolated
from service.projections.words.documents import document_name
from service.projections.words.names import at_the_beginning, joined, name_of
from service.projections.words.said_by import NOT_SPOKEN
from service.projections.words.statuses import status_in_words

_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>|#&])")
_LENGTH: Final = {"exact": "", "at_least": "at least ", "about": "about "}


Numbers = Mapping[str, int]
"""The number of each document in the list of sources."""


class _Names:
    """The names of the actors of a sheet. `parties` are the sides. All other actors are third parties or media."""

    def __init__(self, names: Mapping[str, str], parties: Collection[str]) -> None:
        self._names, self._parties = names, parties

    def within(self, *actors: str) -> str:
        """Return the names of actors as they stand within a sentence."""
        return _text(joined([self._names.get(actor) or name_of(actor) for actor in actors]))

    def at_start(self, *actors: str) -> str:
        """Return the names of actors as they begin a line."""
        return at_the_beginning(self.within(*actors))

    def voice(self, actor: str) -> str:
        """Return the name of a speaker, marked as a third party if it is one."""
        is_third = actor not in {*self._parties, JOINT, MEDIA}
        return f"{self.at_start(actor)}, third party" if is_third else self.at_start(actor)

    def said(self, sides: Iterable[str], others: Iterable[str] = ()) -> str:
        """Return who says so: the sides. If no side does, the third parties and media that report it."""
        if speakers := list(sides):
            return f"said by {self.within(*speakers)}"
        reporters = list(others)
        return f"reported by {self.within(*reporters)} alone" if reporters else "said by no one"


def markdown(sheet: SheetDocument, reading: str = "") -> str:
    """Return a sheet as Markdown. Total. `reading` is the sentence on a reading of the past."""
    numbers = {source.document: source.number for source in sheet.sources}
    names = _Names(sheet.names, sheet.parties)
    parts = (
        _header(sheet, reading, numbers, names),
        _overview(sheet, names),
        *(_item(item, numbers, names) for item in sheet.items),
        _untouched(sheet),
        _out_of_scope(sheet, numbers, names),
        _no_comment(sheet, numbers),
        _sources(sheet),
    )
    return "\n\n".join(text for part in parts if (text := "\n".join(part))) + "\n"


def dossier(read: DossierDocument, reading: str = "") -> str:
    """Return a dossier as Markdown, without its timeline. Total. `reading` is the sentence on a reading of the past."""
    shown = (read.columns, read.next_steps, read.proposals, read.instruments, read.reversals, read.denials, read.links)
    cited = places(cited_in(shown))
    numbers = {place.document: number for number, place in enumerate(cited, 1)}
    names = _Names(read.names, tuple(read.irritant.parties))
    parts = (
        _standing(read, reading),
        *(_column(voice, said, numbers, names) for voice, said in read.columns.items()),
        _list("Next steps", (f"{_step(s, names)}{_cites(s.backing.evidence, numbers)}" for s in read.next_steps)),
        _list("Proposals", (f"{_proposal(p, names)}{_cites(p.backing.evidence, numbers)}" for p in read.proposals)),
        _list(
            "Instruments", (f"{_instrument(i, names)}{_cites(i.backing.evidence, numbers)}" for i in read.instruments)
        ),
        _list("Items", (f"{_text(item.name)}: {_word(item.status)}" for item in read.items)),
        _list("Back", (f"{_text(r.reason)}{_cites(r.backing.evidence, numbers)}" for r in read.reversals)),
        _list("Denied", (_denial(denial, numbers, names) for denial in read.denials)),
        _list("Not said", (f"{names.at_start(*s.silent)}: {_text(s.summary)}" for s in read.silence)),
        _list(
            "Linked irritants",
            (f"{_text(link.title or link.irritant)}: {_text(link.cited.summary)}" for link in read.links),
        ),
        _documents(cited, read.documents),
    )
    return "\n\n".join(text for part in parts if (text := "\n".join(part))) + "\n"


def _standing(read: DossierDocument, reading: str) -> Iterator[str]:
    it = read.irritant
    yield f"# Dossier: {_text(it.title)}"
    yield ""
    yield at_the_beginning(_text(it.category))
    yield ""
    if reading:
        yield f"**{reading}**"
        yield ""
    yield _text(it.headline)
    yield ""
    for word, status in (("Claimed", it.status), ("Confirmed", it.confirmed_status), ("Reported", it.reported_status)):
        yield f"- {word}: {status_in_words(status)}"


def _column(voice: str, column: Iterable[Said], numbers: Numbers, names: _Names) -> Iterator[str]:
    yield f"## {names.voice(voice)}"
    yield ""
    said = list(column)
    for one in said:
        date = _date(one.cited.occurred) if one.cited.occurred else "no date"
        yield f"- {date}. {_statement(one, names)}{_cites([one.cited], numbers)}"
    if not said:
        yield "Nothing is on record."


def _list(heading: str, lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        if not number:
            yield f"## {heading}"
            yield ""
        yield f"- {line}"


def _instrument(instrument: InstrumentDocument, names: _Names) -> str:
    date = _date(instrument.occurred) if instrument.occurred else "no date"
    called = "; ".join(
        f"{names.at_start(voice)}: {', '.join(map(_text, words))}" for voice, words in instrument.words.items()
    )
    return f"{_word(instrument.kind).capitalize()}, {date}{f' ({called})' if called else ''}"


def _denial(denial: DenialDocument, numbers: Numbers, names: _Names) -> str:
    ended = ", which no longer counts" if denial.ended else ""
    return f"{names.at_start(denial.party)}: {_text(denial.cited.summary)}{ended}{_cites([denial.cited], numbers)}"


def _documents(cited: Iterable[Place], documents: Mapping[str, str]) -> Iterator[str]:
    for number, place in enumerate(cited, 1):
        if number == 1:
            yield "## Sources"
            yield ""
        name, paragraphs = documents.get(place.document) or document_name(None), ", ".join(map(str, place.paragraphs))
        yield f"{number}. {_text(name)}, paragraphs {paragraphs}"


def _header(sheet: SheetDocument, reading: str, numbers: Numbers, names: _Names) -> Iterator[str]:
    met = sheet.round
    held = (met.place, _date(met.date) if met.date else None)
    yield f"# Round sheet: {_text(', '.join(part for part in held if part) or sheet.id)}"
    yield ""
    yield _text(sheet.title)
    yield ""
    if reading:
        yield f"**{reading}**"
        yield ""
    others = () if met.standing else met.phase_by
    said = names.said(met.standing, others)
    yield f"- State: {met.phase}{', preliminary' if met.preliminary else ''}; {said}"
    for dispute in met.disputes:
        yield f"- In dispute: {_text(dispute.why)}"
    if sheet.read_to is not None:
        yield f"- Read as of: {_date(str(sheet.read_to))}, the day before the next round"
    yield from _facts(met, numbers, names)
    for party, named in met.heads.items():
        for head in named:
            roles, citation = _text("; ".join(head.roles)), _cites(head.backing.evidence, numbers)
            yield f"- Delegation of {names.within(party)}: {_text(head.person)}, {roles}{citation}"
    for voice, characterisations in met.characterisations.items():
        for words in characterisations:
            citation = _cites(words.backing.evidence, numbers)
            yield f"- {names.at_start(voice)} on the round: {_text(words.summary)}{_quoted(words.wording)}{citation}"


def _facts(met: RoundDocument, numbers: Numbers, names: _Names) -> Iterator[str]:
    if met.place:
        citation = _cites((cited for step in met.course if step.place for cited in step.backing.evidence), numbers)
        announced = ", as announced" if met.is_place_announced else ""
        yield f"- Place: {_text(met.place)}{announced}{citation}"
    if met.venue:
        citation = _cites((cited for venue in met.venues for cited in venue.backing.evidence), numbers)
        yield f"- Venue: {_text(met.venue)}{f', host {names.within(met.host)}' if met.host else ''}{citation}"
    if met.date or met.timing:
        yield f"- When: {_date(met.date) if met.date else _text(met.timing or '')}"
    else:
        yield "- When: not said"
    if met.duration:
        citation = _cites((cited for step in met.course if step.hours for cited in step.backing.evidence), numbers)
        hours = met.duration.hours
        yield f"- Length: {_LENGTH[met.duration.qualifier]}{hours} hour{'' if hours == 1 else 's'}{citation}"


def _overview(sheet: SheetDocument, names: _Names) -> Iterator[str]:
    if not sheet.items:
        return
    yield "## Before and after"
    yield ""
    yield "| Irritant | Claimed | Confirmed | Reported | Rests on | Awaiting |"
    yield "|---|---|---|---|---|---|"
    for item in sheet.items:
        was, now = item.before, item.after
        moved = (_moved(was, now, name) for name in ("status", "confirmed_status", "reported_status"))
        yield f"| {_text(item.title)} | {' | '.join(moved)} | {_rests_on(now)} | {names.at_start(now.awaiting)} |"


def _moved(was: StandingDocument | None, now: StandingDocument, field: str) -> str:
    before, after = getattr(was, field, None), status_in_words(getattr(now, field))
    return after if before is None or status_in_words(before) == after else f"{status_in_words(before)} → {after}"


def _rests_on(now: StandingDocument) -> str:
    return f"{_word(now.basis)}; {now.origins} origin{'' if now.origins == 1 else 's'}"


def _item(item: SheetItem, numbers: Numbers, names: _Names) -> Iterator[str]:
    yield f"## {_text(item.title)}"
    yield ""
    yield _text(item.after.headline)
    yield ""
    for party, rung in item.after.rungs.items():
        before = item.before.rungs.get(party, "unstated") if item.before else "unstated"
        stands = _word(rung) if before == rung else f"{_word(before)} → {_word(rung)}"
        yield f"- {names.at_start(party)}: {stands}{'; silent' if party in item.silent else ''}"
    # A joint text is in the columns of both sides, but is shown once.
    for statement in {said.event: said for column in item.voices.values() for said in column}.values():
        if not statement.relay:
            yield f"- {_statement(statement, names)}{_cites([statement.cited], numbers)}"
    for step in item.next_steps:
        yield f"- {_step(step, names)}{_cites(step.backing.evidence, numbers)}"
    for proposal in item.proposals:
        yield f"- {_proposal(proposal, names)}{_cites(proposal.backing.evidence, numbers)}"
    for unconfirmed in item.uncorroborated:
        yield f"- To be confirmed: {_text(unconfirmed.why)}"


def _statement(said: Said, names: _Names) -> str:
    by = said.cited.asserted_by
    speaker = ", ".join(part for part in (by.organ, by.person) if part)
    whose = names.voice(by.party)
    whose = f"{whose} ({_text(speaker)})" if speaker else whose
    whose += f", {NOT_SPOKEN[by.channel]}" if by.channel in NOT_SPOKEN else ""
    rung = f" [{_word(said.rung)}]" if said.rung else ""
    return (
        f"{whose}{rung}: {_text(said.cited.summary)}{_quoted(said.cited.wording)}{' (denied)' if said.denied else ''}"
        f"{' (date inferred)' if said.cited.occurred_basis == 'inferred' else ''}"
    )


def _step(step: StepDocument, names: _Names) -> str:
    due = f"due {_date(step.due.edtf)}" if step.due else "no date"
    state = "" if step.open else f"; {step.outcome}"
    confirmed = f"confirmed by {names.within(*step.confirmed_by)}" if step.confirmed_by else "not confirmed"
    claimed = names.said(step.claimed_by, step.backing.reported_by)
    return f"Next step: {_text(step.action)} (owner: {names.within(step.owner)}; {due}; {claimed}, {confirmed}{state})"


def _proposal(proposal: ProposalDocument, names: _Names) -> str:
    state = "open" if proposal.open else f"closed: {proposal.closed_as}"
    tabled = f"{names.said(proposal.tabled_by, proposal.backing.reported_by)}, to {names.within(proposal.addressee)}"
    return f"{proposal.kind.capitalize()}: {_text(proposal.terms)} ({tabled}; {state})"


def _untouched(sheet: SheetDocument) -> Iterator[str]:
    if sheet.untouched:
        yield "## Nothing filed on"
        yield ""
    for one in sheet.untouched:
        claimed, confirmed = (status_in_words(s) for s in (one.standing.status, one.standing.confirmed_status))
        yield f"- {_text(one.title)}: claimed {claimed}, confirmed {confirmed}"


def _out_of_scope(sheet: SheetDocument, numbers: Numbers, names: _Names) -> Iterator[str]:
    if sheet.out_of_scope:
        yield "## Out of scope"
        yield ""
    for excluded in sheet.out_of_scope:
        subject, summaries = excluded.subject.replace("-", " ").capitalize(), _text(" ".join(excluded.summaries))
        backed = excluded.backing
        speakers = names.said(backed.said_by, backed.reported_by)
        said = "; ".join([speakers, *_dates(backed.evidence)])
        yield f"- {_text(subject)}: {summaries} ({said}){_cites(backed.evidence, numbers)}"


def _no_comment(sheet: SheetDocument, numbers: Numbers) -> Iterator[str]:
    if sheet.no_comment:
        yield "## No comment"
        yield ""
    for silence in sheet.no_comment:
        evidence = silence.backing.evidence
        organs, dates = _text(", ".join(silence.organs)), "; ".join(_dates(evidence))
        yield f"- {organs}, on: {_text(silence.about)}{f' ({dates})' if dates else ''}{_cites(evidence, numbers)}"


def _dates(evidence: Iterable[Cited]) -> list[str]:
    """Return the dates of statements, each once. Those about the talks as a whole can be of another round."""
    return list(dict.fromkeys(_date(cited.occurred) for cited in evidence if cited.occurred))


def _sources(sheet: SheetDocument) -> Iterator[str]:
    if sheet.sources:
        yield "## Sources"
        yield ""
    for source in sheet.sources:
        paragraphs = ", ".join(map(str, source.paragraphs))
        yield f"{source.number}. {_text(source.name)}, paragraphs {paragraphs}"


def _cites(cited: Iterable[Cited], numbers: Numbers) -> str:
    """Return the citation of this evidence, such as ` [2: 4, 5; 5: 1]`."""
    listed = (f"{numbers[place.document]}: {', '.join(map(str, place.paragraphs))}" for place in places(cited))
    citation = "; ".join(listed)
    return f" [{citation}]" if citation else ""


def _quoted(wording: str | None) -> str:
    return f" (“{_text(wording)}”)" if wording else ""


def _date(written: str) -> str:
    return _text(edtf.describe(written))


def _word(word: str) -> str:
    return word.replace("_", " ")


def _text(text: str) -> str:
    """Return a filed text with the special characters of Markdown escaped."""
    return _SPECIAL.sub(r"\\\1", isolated(text))
