"""Every refusal. The docstring is the sentence that the client reads; `{…}` are the facts of the case.

    Refusal
    ├── NotAllowed          the rules of the domain forbid it, as things stand
    │   ├── NotOpened · AlreadyOpened
    │   ├── IrritantClosed · NotAReversal · NotClosed · NotYoursToWithdraw · UndatedFall
    │   ├── NoSuchHold
    │   ├── OutOfTurn
    │   └── Changed         somebody else was faster (`expect`)
    └── NotValid            it could not be so, whatever stands
        ├── Malformed
        ├── UnknownSource · ParagraphBeyondSource · UnknownOrigin · OriginOfAnotherParty · OriginTaken
        ├── UnknownTarget · NotATarget · UnknownProposal · UnknownStep · UnknownItem · ItemTaken
        ├── UnknownMember · UnknownActor
        ├── NotAParty · NotByAParty · OtherRelation · WrongStream · NotAStream · Cycle
        └── NothingNew

The HTTP status of each is in `api/problems.py` and nowhere else.
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass


class Refusal(Exception):
    """Refused."""

    def __init__(self, pointer: str = "", /, **facts: object) -> None:
        self.pointer, self.facts = pointer, facts
        super().__init__(self.detail)

    @property
    def detail(self) -> str:
        return (inspect.getdoc(type(self)) or "").format(**self.facts)


class NotAllowed(Refusal):
    """The rules do not allow this as things stand."""


class NotOpened(NotAllowed):
    """Nothing is on record under {stream}; it begins with {opener}."""


class AlreadyOpened(NotAllowed):
    """{stream} is already on record; correct its opening instead of opening it again."""


class IrritantClosed(NotAllowed):
    """The irritant is {lifecycle}: both sides say that it is settled; IrritantReopened takes it up again."""


class NotAReversal(NotAllowed):
    """A reversal goes back to a rung below resolved; {to} is not below it."""


class NotClosed(NotAllowed):
    """Only a side that says that it is settled can reopen it; {asserter} is at {rung} in this place."""


class NotYoursToWithdraw(NotAllowed):
    """{asserter} has nothing to withdraw: it is at unstated in this place."""


class UndatedFall(NotAllowed):
    """{type} without a date would come before everything else and change nothing; date it, or say `after` what."""


class NoSuchHold(NotAllowed):
    """{asserter} has placed no hold that it could lift, and has reported none of the other side."""


class OutOfTurn(NotAllowed):
    """In its place the round is {phase}; {type} cannot follow. If this says the same again, file EvidenceAdded."""


class Changed(NotAllowed):
    """{stream} is at version {version}, not at {expected}: something was recorded there since."""


class NotValid(Refusal):
    """This is not valid."""


class Malformed(NotValid):
    """{why}."""

    def __init__(self, pointer: str, /, *, why: str) -> None:
        super().__init__(pointer, why=why.rstrip("."))


class UnknownSource(NotValid):
    """No document {document} is registered; register it first, or earlier in the same report."""


class ParagraphBeyondSource(NotValid):
    """The document {document} has {paragraphs} paragraphs; there is no paragraph {paragraph}."""


class UnknownOrigin(NotValid):
    """No origin {origin} is registered; register it first, or earlier in the same report."""


class OriginOfAnotherParty(NotValid):
    """The origin {origin} is {party}'s, the assertion is said to be {asserter}'s."""


class OriginTaken(NotValid):
    """The origin {origin} is already registered on {stream}; an origin's slug is unique over the record."""


class UnknownTarget(NotValid):
    """No event {target} is on record on {stream}, and none earlier in this report has that ref."""


class NotATarget(NotValid):
    """{target} is {what}; it cannot be the target of {type}."""


class UnknownProposal(NotValid):
    """{proposal} is no proposal that stands on record on {stream}."""


class UnknownStep(NotValid):
    """No next step {step} was agreed on {stream}."""


class UnknownItem(NotValid):
    """No item {item} is on record on {stream}."""


class ItemTaken(NotValid):
    """The item {item} is already on record; if this says the same again, file EvidenceAdded."""


class UnknownMember(NotValid):
    """{member} is not on record; nothing was filed about it yet."""


class UnknownActor(NotValid):
    """No organisation {actor} is registered; register it first on actor/{actor}, or earlier in the same report."""


class NotAParty(NotValid):
    """{party} is no party of {relation}; only its parties can be named here."""


class NotByAParty(NotValid):
    """{type} is for a party of the relation to assert; {asserter} is none."""


class OtherRelation(NotValid):
    """{stream} is not of the relation {relation} of this report."""


class WrongStream(NotValid):
    """{type} does not belong on {stream}."""


class NotAStream(NotValid):
    """{stream} is no stream's name, such as irritant/ru-us/banking-access, round/…, relation/ru-us or source/…."""


class Cycle(NotValid):
    """With this change, events would come after each other in a circle."""


class NothingNew(NotValid):
    """Everything in this report is already on record."""


@dataclass(frozen=True)
class AllowedTypes:
    """Where an irritant stands in the place of what was refused, and what the rules allow there."""

    rung: str
    allowed: tuple[str, ...]


class Refused(Exception):
    """A report is refused whole: every refusal, each with its JSON Pointer; nothing is written."""

    def __init__(self, refusals: Sequence[Refusal], standing: AllowedTypes | None = None) -> None:
        self.refusals, self.standing = tuple(refusals), standing
        super().__init__("; ".join(r.detail for r in refusals))
