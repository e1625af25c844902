"""All reasons to refuse a report, one class for each.

The docstring of a class is the text that the client reads: what is wrong in its first line, then what is allowed and
what to do. `{…}` are the values of the case. `{remedy}` lists what would be accepted, which `remedies.py` finds. Names
that a client writes, such as fields and types, are in backticks, so that forms can show their own labels instead.

    Refusal
    ├── NotAllowed          the rules forbid the event in the present state of its stream
    │   ├── NotOpened · AlreadyOpened
    │   ├── IrritantClosed · NotAReversal · NotClosed · NotYoursToWithdraw · UndatedFall
    │   ├── NoSuchHold
    │   ├── OutOfTurn
    │   └── Changed         the stream has a newer version than the client expected (`expect`)
    └── NotValid            the event is wrong in every state
        ├── Malformed
        ├── UnknownSource · ParagraphBeyondSource · UnknownOrigin · OriginOfAnotherParty · OriginTaken
        ├── UnknownTarget · NotATarget · UnknownProposal · UnknownStep · UnknownItem · ItemTaken
        ├── UnknownMember · UnknownActor · UnknownReport · ReportOfAnotherRelation · AlreadyAttributed
        ├── NotAParty · NotByAParty · OtherRelation · WrongStream · NotAStream · Cycle
        ├── UnknownLabel · LabelTooLow · TooOpen
        └── NothingNew

`api/problems.py` has the HTTP status of each class.
"""

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from service.domain.nearby import FORM_OF_IDS, FORM_OF_SLUGS, listed, similar

_EVENT: Final = re.compile(r"[a-z]+/[a-z0-9/-]+@[0-9]+")
"""The name of an event by its stream and version."""


class Refusal(Exception):
    """The report is refused."""

    unknown: ClassVar[str] = ""
    """The name that is not on record, with its kind, as a format of the facts: `source/{document}`."""
    names_streams: ClassVar[bool] = False
    """Whether the client writes the unknown name with its kind, so that near names are shown with it as well."""

    # `pointer`: a JSON Pointer to the mistake. `facts`: the values for the text.
    def __init__(self, pointer: str = "", /, **facts: object) -> None:
        self.pointer, self.facts = pointer, {"near": "", "known": "", "remedy": "", **facts}
        super().__init__(self.detail)

    @property
    def detail(self) -> str:
        """The text for the client: the docstring of the class with the values of the case, as one paragraph."""
        text = " ".join((inspect.getdoc(type(self)) or "").split())
        return text.format(**self.facts).rstrip()

    @property
    def unknown_name(self) -> str | None:
        """The name that is not on record, such as `source/a1-hasanov` or `origin/mfa-mai`. None if all are."""
        return self.unknown.format(**self.facts) or None

    def suggest(self, names: Iterable[str]) -> None:
        """Add names on record that are near to the unknown one. Without names, leave the text as it is."""
        kind = f"{str(self.unknown_name).partition('/')[0]}/" if self.names_streams else ""
        if found := [f"{kind}{name}" for name in names]:
            self.facts["near"] = f"{self.similar(found)} "

    def similar(self, names: Sequence[str]) -> str:
        """Return the sentence with the names that are near."""
        return similar(names)

    def add_remedies(self, *others: str) -> None:
        """Set `{remedy}` to sentences with these remedies and the own ones of the refusal, the fact `ways`.

        Those without a condition come first, as alternatives in one sentence. Those that begin with "if" follow, each
        as a sentence.
        """
        own = self.facts.get("ways")
        of_refusal = own if isinstance(own, list) else []
        always = [way for way in (*others, *of_refusal) if not way.startswith("if ")]
        conditional = [way for way in (*of_refusal, *others) if way.startswith("if ")]
        texts = list(filter(None, [", or ".join(always), *conditional])) or ["leave this event out"]
        self.facts["remedy"] = " ".join(f"{text[0].upper()}{text[1:]}." for text in texts)

    def rename_events(self, names: Mapping[str, str]) -> None:
        """Name events otherwise in the text. `names`: by stream and version, as in `irritant/ru-us/visas@5`."""
        for fact, value in self.facts.items():
            if isinstance(value, str):
                self.facts[fact] = _EVENT.sub(lambda named: names.get(named[0], named[0]), value)


class NotAllowed(Refusal):
    """The rules do not allow this event in the present state of its stream."""


class NotOpened(NotAllowed):
    """{stream} is not on record.

    {near}Correct `stream`, or open it: file {opener} on {stream} first, or earlier in the same report.
    """

    unknown = "{stream}"
    names_streams = True


class AlreadyOpened(NotAllowed):
    """{stream} is already on record, with other contents{known}.

    If you mean that one, leave this event out, or file `AssertionCorrected` with `target` {event} and the new values in
    `changes`. If you mean another, give another name in `stream`.
    """


class IrritantClosed(NotAllowed):
    """The irritant is resolved {then}, by {said}.

    {remedy}
    """

    def __init__(self, *, said: Sequence[tuple[str, str]], **facts: object) -> None:
        self.said = said  # pairs of a side and the id of the event in which it says so
        super().__init__("", said="both sides", **facts)


class NotAReversal(NotAllowed):
    """A reversal cannot go back to `{to}`{why}.

    Give a lower rung in `to`: {rungs}.
    """


class NotClosed(NotAllowed):
    """{asserter} cannot reopen the irritant: {then} {asserter}'s rung is `{rung}`.

    Only a side whose rung is `resolved` can. {remedy}
    """


class NotYoursToWithdraw(NotAllowed):
    """{asserter} cannot withdraw the irritant: {then} {asserter} has not raised it (rung `unstated`).

    {remedy}
    """


class UndatedFall(NotAllowed):
    """`{type}` needs a date: without one it would come first in the history and change nothing.

    Give `occurred`, or name in `after` an event that came before it.
    """


class NoSuchHold(NotAllowed):
    """{asserter} cannot lift a hold: {then} {why}.

    {remedy}
    """


class OutOfTurn(NotAllowed):
    """{wrong}{event}{end}.

    {allowed}{remedy}
    """


class Changed(NotAllowed):
    """Version conflict: {stream} has changed since you read it. It is at version {version}, you expected {expected}.

    Read what was recorded since: {address}. If the report still fits, give {version} in `expect` and send it again.
    """


class NotValid(Refusal):
    """The report is not valid."""


class Malformed(NotValid):
    """{why}."""

    def __init__(self, pointer: str, /, *, why: str) -> None:
        super().__init__(pointer, why=why.rstrip("."))


class UnknownSource(NotValid):
    """The document “{document}” is not on record.

    {near}Give one on record in `source.document`, or register it: file `SourceRegistered` on source/{document} first,
    or earlier in the same report.
    """

    unknown = "source/{document}"


class ParagraphBeyondSource(NotValid):
    """Paragraph {paragraph} does not exist: the document {document} has {count}.

    Blank lines do not count. Use {numbers} in `source.paragraphs`. If the document has more, {correct}.
    """

    def __init__(self, pointer: str, /, *, document: str, paragraph: int, paragraphs: int, is_on_record: bool) -> None:
        count, numbers = f"{paragraphs} paragraphs", f"numbers from 1 to {paragraphs}"
        if paragraphs == 1:
            count, numbers = "one paragraph", "1"
        correct = "correct `paragraphs` where this report registers the document"
        if is_on_record:
            with_target = f"`AssertionCorrected` with `target` source/{document}@1"
            correct = f"file {with_target} and the right number in `changes.paragraphs`"
        super().__init__(pointer, document=document, paragraph=paragraph, count=count, numbers=numbers, correct=correct)


class UnknownOrigin(NotValid):
    """The origin “{origin}”, the statement behind the document, is not on record.

    {near}{known}Give one on record in `source.origin`; it can also be one that another document relays. Or register it:
    file `OriginRegistered` on {stream} first, or earlier in the same report.
    """

    unknown = "origin/{origin}"


class OriginOfAnotherParty(NotValid):
    """The origin {origin} is a statement by {party}, but the event says that {asserter} said it.

    {known}Correct `asserted_by`, or give an origin of {asserter} in `source.origin`.
    """


class OriginTaken(NotValid):
    """The origin {origin} is already on record{known}.

    Leave this event out, or give another name in `origin`. To change what is on record, file `AssertionCorrected` with
    `target` {event}.
    """


class UnknownTarget(NotValid):
    """`{field}` names “{target}”, but there is no such event on {stream}, and no such `ref` earlier in this report.

    Give the `ref` of an earlier event in this report, or name an event on record by stream and version. {known}
    """


class NotATarget(NotValid):
    """`{type}` cannot name {target}: that is {what}.

    {known}
    """


class UnknownProposal(NotValid):
    """At this date {proposal} is not a proposal that can be answered on {stream}.

    {known}Name a `ProposalTabled` of the same date or earlier.
    """


class UnknownStep(NotValid):
    """There is no next step “{step}” on {stream}.

    {known}{remedy}
    """


class UnknownItem(NotValid):
    """{wrong}.

    {known}{remedy}
    """


class ItemTaken(NotValid):
    """The item {item} is already on record, in {event}{known}.

    If you mean that item, leave this event out. To add a further source for it, file `EvidenceAdded` with `target`
    {event}. To change it, file `AssertionCorrected` with the same `target`. If it is another item, give another value
    in `item`.
    """


class UnknownMember(NotValid):
    """There is no {kind} {member} on record.

    {near}{remedy}.
    """

    unknown = "{kind}/{member}"

    def __init__(self, pointer: str, /, *, kind: str, member: str, opener: str, meant: str | None = None) -> None:
        field = pointer.rpartition("/")[2]
        name = f"{kind}/{member}"
        open = (
            f"Give one on record in `{field}`, or open it: file {opener} on {name} first, or earlier in the same report"
        )
        super().__init__(
            pointer, kind=kind, member=member, remedy=f"Ids are {FORM_OF_IDS}: use {meant}" if meant else open
        )


class UnknownActor(NotValid):
    """`{field}` names the organisation “{actor}”, which is not on record.

    {near}Use one on record, or register it: file `ActorRegistered` on actor/{actor} first, or in the same report.
    """

    unknown = "actor/{actor}"

    def __init__(self, pointer: str, /, *, actor: str) -> None:
        super().__init__(pointer, actor=actor, field=pointer.removeprefix("/").replace("/", "."))


class UnknownReport(NotValid):
    """No report {report} is on record.

    Give in `report` the id that the receipt of the report shows; /reports lists all reports.
    """


class ReportOfAnotherRelation(NotValid):
    """The report {report} belongs to {other}, but the round {round} to {relation}.

    Correct `report`: /reports?relation={relation} lists those on {relation}. To put {report} on a round of {other},
    file the event on relation/{other}, in a report on {other}.
    """


class AlreadyAttributed(NotValid):
    """The report {report} is on the round {round} already.

    Leave this event out.
    """


class NotAParty(NotValid):
    """{party} is not a party of {relation}.

    Give {allowed} in `{field}`.
    """

    def __init__(self, pointer: str, /, *, party: str, relation: str, allowed: str) -> None:
        super().__init__(pointer, party=party, relation=relation, allowed=allowed, field=pointer.rpartition("/")[2])


class NotByAParty(NotValid):
    """{asserter} cannot assert `{type}`, because {asserter} is not a party of the relation.

    {remedy}
    """


class OtherRelation(NotValid):
    """{stream} belongs to {other}, but this report to {relation}.

    {near}Correct `{field}`, or file the event in a report on {other}.
    """

    unknown = "{own}"
    names_streams = True

    def __init__(self, pointer: str, /, *, stream: str, relation: str) -> None:
        kind, other, *slug = stream.split("/")
        own = "/".join([kind, relation, *slug])
        field = pointer.rpartition("/")[2]
        super().__init__(pointer, stream=stream, relation=relation, other=other, own=own, field=field)


class WrongStream(NotValid):
    """`{type}` cannot be filed on {stream}, only on {where}.

    {near}{remedy}
    """

    unknown = "{begin}"
    names_streams = True

    def similar(self, names: Sequence[str]) -> str:
        """Return the streams of the right kind that are on record. They replace the example."""
        self.facts["remedy"] = "Give one of these in `stream`, or the name of a new one."
        return f"On record: {listed(names)}."


class NotAStream(NotValid):
    """{stream} is not the name of a stream.

    Use {meant}.
    """

    def __init__(self, pointer: str, /, *, stream: str, meant: str | None = None) -> None:
        kind = stream.partition("/")[0]
        form = FORM_OF_SLUGS if str(meant).startswith(("source/", "actor/")) else FORM_OF_IDS
        right = f"{meant}: names are {form}" if meant else _STREAMS.get(kind, _ANY_STREAM)
        super().__init__(pointer, stream=stream or "This", meant=right)


_SHORT_NAME: Final = "a short name in lower-case letters, digits and hyphens"
_STREAMS: Final = {
    "irritant": f"irritant/, the relation and {_SHORT_NAME}, such as irritant/ru-us/banking-access",
    "round": f"round/, the relation and {_SHORT_NAME}, such as round/ru-us/istanbul-april",
    "relation": "relation/ and two codes in lower case and alphabetical order, such as relation/ru-us",
    "source": f"source/ and {_SHORT_NAME}, such as source/ministry-briefing",
    "actor": "actor/ and the code of a state or the short name of an organisation, such as actor/iaea",
}
_ANY_STREAM: Final = (
    "a name such as irritant/ru-us/banking-access, round/ru-us/istanbul-april, relation/ru-us, source/ministry-briefing"
    " or actor/iaea"
)


class Cycle(NotValid):
    """The correction puts events in a circle{why}.

    {remedy}
    """


class UnknownLabel(NotValid):
    """`{label}` is not a handling label that you can use.

    Use {labels}.
    """


class LabelTooLow(NotValid):
    """The handling label `{label}` is more open than `{least}`, the label of {of}.

    Use {labels}, or leave `handling` out to get `{least}`.
    """


class TooOpen(NotValid):
    """{event} depends on {needed}. So it must be at least as restricted, but with this change it would be more open.

    File `HandlingChanged` for {event}, too, in the same report, with a label that is at least as restricted.
    """


class NothingNew(NotValid):
    """All events of this report are already on record, so there is nothing to file.

    Add the events that are new. If there are none, nothing is left to do.
    """


def then(occurred: str | None) -> str:
    """Return the words for the point in the history at which an event with this date was judged."""
    return "at that date" if occurred else "at that point"


@dataclass(frozen=True)
class AllowedTypes:
    """The rung of the asserter at the date of a refused event, and the event types that are allowed there."""

    rung: str
    allowed: tuple[str, ...]


class Refused(Exception):
    """A whole report is refused and nothing is written.

    `refusals` has all reasons, each with its JSON Pointer. `standing`: what an irritant allows instead, if known.
    """

    def __init__(self, refusals: Sequence[Refusal], standing: AllowedTypes | None = None) -> None:
        self.refusals, self.standing = tuple(refusals), standing
        super().__init__("; ".join(r.detail for r in refusals))
