"""Find warnings: what may be a slip in a report, such as a year before 1900 (see `docs/glossary.md`).

Warnings refuse nothing. Previews, receipts and forms show them. `projections/warnings.py` writes their sentences. The
functions are pure, so a receipt that is requested again has the same warnings. They read only the streams of the
report and what these cite.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal, NamedTuple

from service.domain import edtf
from service.domain.actors import MEDIA
from service.domain.assertion import (
    Assertion,
    AssertionCorrected,
    AssertionRetracted,
    Citation,
    EventModel,
    EvidenceAdded,
    Recorded,
    Statement,
    when,
)
from service.domain.corrections import BEGINNING, END, EffectiveEvent
from service.domain.history import History
from service.domain.irritant.events import NextStepAgreed, ProgressReversed
from service.domain.irritant.state import ActorPosition, ActorStatement, Irritant
from service.domain.irritant.undertakings import Terms, differ
from service.domain.ladder import LEVELS, RUNGS, UNSTATED

Code = Literal[
    "before_1900",
    "statement_too_old",
    "other_terms",
    "already_cited",
    "undated_advance",
    "overlaps_reversal",
    "lowers_nothing",
    "only_support",
]
Histories = Callable[[str], History[Any]]
"""A function that returns the history of a stream, empty if it is not on record."""

_FIRST_DAY: Final = date(1900, 1, 1)
_DATES: Final = ("occurred", "due", "date", "in_force_from", "valid_until", "published")
# The fields that say what an event is about, such as an item.
_SUBJECTS: Final = ("target", "proposal", "step", "item", "instrument", "person", "party", "subject", "organs", "with_")
_MOST_COMPARED: Final = 100
"""The limit on reversals of a report that are compared with other events, because each comparison reads all of them."""


@dataclass(frozen=True, slots=True)
class FilingWarning:
    """A warning on an event.

    `index`: the place of the event in the report. `field`: a JSON Pointer within the event. `facts`: the values for the
    sentence, such as codes of actors, dates as filed, and titles.
    """

    code: Code
    index: int
    field: str
    facts: Mapping[str, Any]


class FiledEvent(NamedTuple):
    """A recorded event, with its place in the report, from 0."""

    place_in_report: int
    event: Recorded


def warnings_of(
    filed: Sequence[FiledEvent], *, before: Histories, after: Histories, origins: Mapping[str, str]
) -> list[FilingWarning]:
    """Return the warnings on what a report recorded, in the order of the report.

    `before` and `after` are the histories before and after the whole report. `origins` has the stream of each origin.
    """
    by_stream: dict[str, list[FiledEvent]] = {}
    for one in filed:
        by_stream.setdefault(one.event.stream, []).append(one)
    warnings = [
        warning
        for stream, events in by_stream.items()
        for warning in _OfStream(events, before(stream), after(stream), after, origins).warnings()
    ]
    return sorted(warnings, key=lambda warning: warning.index)


def streams_and_origins(events: Iterable[Recorded], known: Mapping[str, History[Any]]) -> tuple[set[str], set[str]]:
    """Return the streams and origins that `warnings_of` needs for these events. `known`: the histories so far.

    A correction needs what its target cites, so call this again once the streams of the events are known.
    """
    streams: set[str] = set()
    origins: set[str] = set()
    for event in events:
        streams.add(event.stream)
        history = known.get(event.stream)
        target = (
            _corrected_event(history, event.data) if history and isinstance(event.data, AssertionCorrected) else None
        )
        for data in (event.data, target and target.data):
            if isinstance(data, Statement):
                streams.add(f"source/{data.source.document}")
                origins.add(data.source.origin)
    return streams, origins


def _corrected_event(history: History[Any], correction: AssertionCorrected) -> EffectiveEvent | None:
    """Return the event that a correction corrects, after all corrections in `history`. None if it has no effect."""
    return history.effect(history.amendments.corrected_root(correction.target))


@dataclass
class _OfStream:
    """The events of a report on one stream, and the history of the stream before and after the report.

    `histories`: the histories of other streams after the report. `origins`: the stream of each origin.
    """

    events: Sequence[FiledEvent]
    before: History[Any]
    after: History[Any]
    histories: Histories
    origins: Mapping[str, str]

    def warnings(self) -> Iterator[FilingWarning]:
        """Yield the warnings on these events."""
        for index, event in self.events:
            yield from _before_1900(index, event.data)
            yield from self._statement_too_old(index, event)
        yield from self._already_cited()
        if isinstance(self.after.initial, Irritant):
            yield from self._of_irritant(self.after.state)

    def _of_irritant(self, state: Irritant) -> Iterator[FilingWarning]:
        """Yield the warnings that only irritants can have. `state`: the state after the report."""
        yield from self._beside_reversals(state)
        yield from self._only_support(state)
        compared = 0
        for index, event in self.events:
            match event.data:
                case NextStepAgreed() as agreed:
                    yield from self._other_terms(index, event, agreed, state)
                case ProgressReversed() as reversal if compared < _MOST_COMPARED:
                    compared += 1
                    yield from self._lowers_nothing(index, event, reversal, state)
                case _:
                    pass

    def _effect_of(self, event: Recorded) -> tuple[EffectiveEvent | None, str]:
        """Return an event after the report, with the JSON Pointer to its fields. For a correction, return its target.

        Return None as the event if it has no effect.
        """
        if isinstance(event.data, AssertionCorrected):
            return _corrected_event(self.after, event.data), "/changes"
        return self.after.effect(event.id), ""

    def _statement_too_old(self, index: int, event: Recorded) -> Iterator[FilingWarning]:
        """Warn if an assertion is dated after the statement or document that reports it."""
        changed = event.data.changes.keys() if isinstance(event.data, AssertionCorrected) else _FIELDS_WITH_DATES
        if changed.isdisjoint(_FIELDS_WITH_DATES):
            return
        effect, pointer = self._effect_of(event)
        if effect is None or not isinstance(data := effect.data, Assertion):
            return
        occurred = when(data.occurred).earliest
        origin, source = self._cited(data)
        stated = (origin and origin.occurred) or source.published
        latest = when(stated).latest
        if occurred is not None and latest is not None and occurred > latest:
            field = "/source/origin" if effect.is_evidence or "occurred" not in changed else "/occurred"
            speaker = origin.speaker if origin and origin.occurred else None
            facts = {"speaker": speaker, "said": stated, "occurred": data.occurred, **_document_facts(source)}
            yield FilingWarning("statement_too_old", index, f"{pointer}{field}", facts)

    def _cited(self, data: Statement) -> tuple[Any, Any]:
        """Return the origin that an assertion cites, None if it is unknown, and the state of the document."""
        slug = data.source.origin
        stream = self.origins.get(slug)
        origin = self.histories(stream).state.origins.get(slug) if stream else None
        return origin, self.histories(f"source/{data.source.document}").state

    def _already_cited(self) -> Iterator[FilingWarning]:
        """Warn if a paragraph of a statement is cited again for the same type: the event may be filed twice.

        One paragraph can list several things, such as six houses. So further events of one report on other subjects,
        such as another item, are pointed out only once.
        """
        new = [(index, e) for index, e in self.events if isinstance(e.data, Statement)]
        if not new:
            return
        types, sources = {e.type for _, e in new}, [e.data.source for _, e in new]  # type: ignore[attr-defined]
        origins, paragraphs = {s.origin for s in sources}, {n for s in sources for n in s.paragraphs}
        cited: dict[_CitedParagraph, _FirstCitation] = {}
        for event in self.before.events:  # the cheap checks come first, because the stream can be long
            if event.type not in types:
                continue
            source: Citation = event.data.source  # type: ignore[attr-defined]  # of a type of statements
            if source.origin in origins and not paragraphs.isdisjoint(source.paragraphs):
                self._note_citations(event, cited)
        for index, event in new:
            effect = self.after.effect(event.id)
            subject = _subject(event, effect) if effect else None
            keys = _cited_paragraphs(event, effect) if effect else ()
            again = [key for key in keys if key in cited and cited[key].warns_of(event, subject)]
            if again:
                origin, source = self._cited(event.data)  # type: ignore[arg-type]  # `new` has statements alone
                facts = {
                    "type": event.type,
                    "paragraphs": tuple(key.paragraph for key in again),
                    "speaker": origin.speaker if origin else None,
                    "here": cited[again[0]].report == event.report,
                    **_document_facts(source),
                }
                yield FilingWarning("already_cited", index, "/source/paragraphs", facts)
            self._note_citations(event, cited)

    def _note_citations(self, event: Recorded, cited: dict["_CitedParagraph", "_FirstCitation"]) -> None:
        """Add to `cited` what an event cites, with its subject, for comparison with later events."""
        if (effect := self.after.effect(event.id)) is not None:
            for key in _cited_paragraphs(event, effect):
                cited.setdefault(key, _FirstCitation(event.report, [])).subjects.append(_subject(event, effect))

    def _other_terms(
        self, index: int, event: Recorded, agreed: NextStepAgreed, state: Irritant
    ) -> Iterator[FilingWarning]:
        """Warn about terms of a step that contradict the last terms of an actor that were recorded before `event`."""
        step = state.steps.get(agreed.step)
        last: dict[str, ActorStatement] = {}
        for statement in state.only_live(step.statements) if step else ():
            earlier = self.after.recorded(statement.event)
            if earlier is not None and earlier.position < event.position:
                last[statement.holder] = statement
        terms = _terms(agreed)
        contradicted = next((s for s in reversed(last.values()) if differ(_terms(s.data), terms)), None)
        if contradicted is not None:
            data, was = contradicted.data, _terms(contradicted.data)
            field = next(name for name in Terms._fields if _contradict(getattr(was, name), getattr(terms, name)))
            facts = {"action": data.action, "by": data.asserted_by.party, "was": was, "terms": terms}
            yield FilingWarning("other_terms", index, f"/{field}", facts)

    def _lowers_nothing(
        self, index: int, event: Recorded, reversal: ProgressReversed, state: Irritant
    ) -> Iterator[FilingWarning]:
        """Warn about a reversal by an actor that is already at its rung or below."""
        to, asserter = LEVELS[reversal.to], reversal.asserted_by.party
        if all(state.is_side(holder) for holder in state.holders(asserter)):
            lowered = any(fall.event == event.id for fall in state.falls)
        else:
            # Falls are noted of sides only, so look at the levels of the other actor just before the reversal.
            found = self.after.with_state_before(event.id)
            levels = (level for s, level in found[1].with_levels if _is_by_asserter(s, reversal)) if found else ()
            lowered = max(levels, default=UNSTATED) > to
        if not lowered:
            yield FilingWarning("lowers_nothing", index, "/to", {"by": asserter, "to": reversal.to})

    def _only_support(self, state: Irritant) -> Iterator[FilingWarning]:
        """Warn about retractions that lower a side's rung or the reported status."""
        retractions = [(index, e.data.target) for index, e in self.events if isinstance(e.data, AssertionRetracted)]
        if not retractions:
            return
        was: Irritant = self.before.state
        fell = {p: (was.rung_of(p), state.rung_of(p)) for p in state.parties if state.rung_of(p) < was.rung_of(p)}
        for index, target in retractions:
            effect = self.before.effect(target)
            data = effect.data if effect else None
            voices = was.holders(data.asserted_by.party) if isinstance(data, Assertion) else was.parties
            for party in (party for party in fell if party in voices):
                before, now = fell[party]
                facts = {
                    "by": party,
                    "rung": RUNGS[before],
                    "now": RUNGS[now],
                    "still": RUNGS[state.reported] if state.reported >= before else None,
                }
                yield FilingWarning("only_support", index, "/target", facts)
            outsiders = [voice for voice in voices if voice not in was.parties]
            if outsiders and state.reported < was.reported:
                facts = {"by": outsiders[0], "rung": RUNGS[was.reported], "now": RUNGS[state.reported], "still": None}
                yield FilingWarning("only_support", index, "/target", facts)

    def _beside_reversals(self, state: Irritant) -> Iterator[FilingWarning]:
        """Warn about advances and reversals of one side whose dates do not show which came first."""
        falls = state.turns_of_sides("reverse", "reopen")
        if not falls:
            return
        new = dict(self._new_or_redated())
        advances = [s for s in state.all_positions if s.does in ("advance", "restore")]
        new_advances = [s for s in advances if s.event in new]
        warned: set[str] = set()
        compared = 0
        for fall in falls:
            compared += (is_new := fall.event in new)
            # Latest first, so that a warning on a reversal names the advance that it most likely reverses.
            for advance in reversed(advances) if is_new and compared <= _MOST_COMPARED else new_advances:
                warned_event = advance.event if advance.event in new else fall.event
                if warned_event in warned or advance.holder != fall.holder or advance.rung <= fall.rung:
                    continue
                rise, descent = self.after.effect(advance.event), self.after.effect(fall.event)
                if (
                    rise
                    and descent
                    and state.is_live(advance)
                    and state.is_live(fall)
                    and _is_order_unclear(rise, descent)
                ):
                    warned.add(warned_event)
                    index, pointer = new[warned_event]
                    yield _overlap(index, pointer, advance, fall, is_advance=warned_event == advance.event)

    def _new_or_redated(self) -> Iterator[tuple[str, tuple[int, str]]]:
        """Yield the assertions that the report files, or of which it corrects the date or the rung.

        Each is given by its id, with the index of the report's event and the JSON Pointer to its fields.
        """
        for index, event in self.events:
            if isinstance(event.data, AssertionCorrected) and event.data.changes.keys().isdisjoint({"occurred", "to"}):
                continue
            effect, pointer = self._effect_of(event)
            if effect is not None and not effect.is_evidence:
                yield effect.id, (index, pointer)


_FIELDS_WITH_DATES: Final = frozenset({"occurred", "source"})
"""The fields on which it depends whether an assertion is dated after its statement."""


def _before_1900(index: int, data: EventModel) -> Iterator[FilingWarning]:
    """Warn about dates before 1900, which are often mistyped years."""
    fields, pointer = (data.changes, "/changes") if isinstance(data, AssertionCorrected) else (vars(data), "")
    for name in _DATES:
        written = fields.get(name)
        if isinstance(written, str) and _is_before_1900(written):
            yield FilingWarning("before_1900", index, f"{pointer}/{name}", {"date": written})


def _is_before_1900(written: str) -> bool:
    try:
        span = edtf.parse(written)
    except edtf.NotEdtf:
        return False
    return any(day is not None and day < _FIRST_DAY for day in (span.earliest, span.latest))


def _document_facts(source: Any) -> dict[str, str | None]:
    return {"title": source.title or source.publisher, "published": source.published}


class _CitedParagraph(NamedTuple):
    """A paragraph, and the type of an event that cites it."""

    type: str
    origin: str
    document: str
    paragraph: int


@dataclass
class _FirstCitation:
    """The report that first cites a paragraph for a type, and the subjects of all events that do so."""

    report: str
    subjects: list[object]

    def warns_of(self, event: Recorded, subject: object) -> bool:
        """Return whether to warn of a further event that cites the paragraph."""
        return self.report != event.report or subject in self.subjects or len(self.subjects) == 1


def _cited_paragraphs(event: Recorded, effect: EffectiveEvent) -> Iterator[_CitedParagraph]:
    """Yield the paragraphs that an event cites."""
    source = effect.data.source  # type: ignore[attr-defined]  # asked only of statements
    for paragraph in source.paragraphs:
        yield _CitedParagraph(event.type, source.origin, source.document, paragraph)


def _subject(event: Recorded, effect: EffectiveEvent) -> object:
    """Return a value that is equal for two events about the same thing, such as an item or a step."""
    fields = vars(event.data)
    return effect.root if isinstance(event.data, EvidenceAdded) else tuple(fields.get(name) for name in _SUBJECTS)


def _overlap(
    index: int, pointer: str, advance: ActorPosition, fall: ActorPosition, *, is_advance: bool
) -> FilingWarning:
    """Return the warning on an advance and a reversal whose order is unclear.

    `index`, `pointer`: the event with the warning, and the JSON Pointer to its fields. `is_advance`: it is the advance.
    """
    code: Code = "undated_advance" if advance.data.occurred is None else "overlaps_reversal"
    facts = {
        "by": advance.holder,
        "rung": RUNGS[advance.rung],
        "to": RUNGS[fall.rung],
        "advance": advance.data.occurred,
        "reversal": fall.data.occurred,
        "summary": advance.data.summary,
        "is_advance": is_advance,
        "is_undone": advance.place < fall.place,
    }
    return FilingWarning(code, index, f"{pointer}/occurred", facts)


def _terms(data: Any) -> Terms:
    return Terms(data.owner, data.due, data.quantity)


def _contradict(one: object, other: object) -> bool:
    return one is not None and other is not None and one != other


def _is_by_asserter(position: ActorPosition, reversal: ProgressReversed) -> bool:
    """Return whether a position is by the asserter of a reversal. Outlets are told apart by origin."""
    by = reversal.asserted_by.party
    return position.holder == by and (by != MEDIA or position.origin == reversal.source.origin)


def _is_order_unclear(rise: EffectiveEvent, fall: EffectiveEvent) -> bool:
    """Return whether the dates overlap without both being exact days, and neither event names the other."""
    if rise.is_evidence or fall.is_evidence or fall.id in _events_named(rise) or rise.id in _events_named(fall):
        return False
    if rise.earliest == rise.latest is not None and fall.earliest == fall.latest is not None:
        return False
    begins = max(rise.earliest or BEGINNING, fall.earliest or BEGINNING)
    return begins <= min(rise.latest or END, fall.latest or END)


def _events_named(effect: EffectiveEvent) -> set[str]:
    return {name for field in ("after", "undoes") if (name := getattr(effect.data, field, None))}
