"""Define which events each release can read: its vocabulary of event types, their versions, and names of streams.

A release cannot read a type or a version that came after it. So a process accepts such an event only once no process of
an earlier release runs (`recorder`). To keep ordinary reports flowing during an upgrade, an event is written in the
lowest version that holds its content.

Vocabularies are numbered. Each contains the one before, so one number says all that a process can read:

    1   0.2.0 and earlier
    2   further types, optional fields, actors and channels; handling labels of events

A new type or a higher version belongs to the next number without further code. A new optional field or a new value of
an existing type needs a higher version of the type and a row in `_FIELDS` or `_VALUES`. At a release, the vocabulary
is added to `RELEASED`.
"""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, Final

from service.domain.actors import BOTH, JOINT, MEDIA
from service.domain.assertion import AssertionCorrected, EventModel
from service.domain.countries import ALPHA_2

_FIRST_TYPES: Final = (
    *("AgrementGranted", "AssertionCorrected", "AssertionRetracted", "ClaimContested", "ConcernNoted"),
    *("ConcernRaised", "DelegationHeadNamed", "DiscussionReported", "EmphasisStated", "EnvoyTookPost"),
    *("EvidenceAdded", "FormatDecided", "FormatDecisionReversed", "HoldLifted", "HoldPlaced"),
    *("ImplementationReported", "InstrumentExchanged", "IrritantOpened", "IrritantReopened", "IrritantWithdrawn"),
    *("ItemAdded", "ItemStatusChanged", "NextStepAgreed", "NextStepClosed", "NoCommentRecorded", "ObstacleNoted"),
    *("OriginRegistered", "PersonNamed", "PositionStated", "ProcessStarted", "ProgressReversed", "ProposalAnswered"),
    *("ProposalTabled", "RelationOpened", "ResolutionDeclared", "ReversibilityStated", "RoundAnnounced"),
    *("RoundCancelled", "RoundCharacterised", "RoundConcluded", "RoundConvened", "RoundPostponed", "RoundRelocated"),
    *("RoundScheduled", "RoundVenueNamed", "ScopeExcluded", "SourceRegistered", "UnderstandingReported"),
)
RELEASED: Final[tuple[Mapping[str, int], ...]] = (dict.fromkeys(_FIRST_TYPES, 1),)
"""The vocabularies of releases, from number 1: each type with its newest version."""

FIRST_WITH_LABELS: Final = 2
"""The number of the first vocabulary whose releases withhold events from readers."""

HIGHER: Final[Mapping[str, int]] = dict.fromkeys(
    sorted({*_FIRST_TYPES} - {"AssertionRetracted", "IrritantOpened", "PersonNamed"}), 2
)
"""The newest version of each type that has several. Three first types have only one, because they name no actor."""

_FIELDS: Final[Mapping[str, tuple[tuple[str, int], ...]]] = {
    "ImplementationReported": (("instrument", 2), ("extent", 2)),
    "InstrumentExchanged": tuple(
        (field, 2) for field in ("title", "reference", "with_", "in_force_from", "valid_until", "instrument")
    ),
    "NextStepAgreed": (("quantity", 2),),
    "ProposalTabled": (("due", 2),),
    "ResolutionDeclared": (("extent", 2), ("covers", 2)),
    "SourceRegistered": (("title", 2),),
    "UnderstandingReported": (("valid_until", 2), ("instrument", 2)),
}
"""Optional fields, each with the version that added it, by their names in Python."""
_VALUES: Final[Mapping[str, tuple[tuple[str, object, int], ...]]] = {
    "HoldPlaced": (("by", None, 2),),
    "InstrumentExchanged": (("kind", "decision", 2),),
}
"""Values of fields, each with the version that added it."""

# Version 2 of every type: the EU, the UN, Kosovo and registered organisations as actors, and leaked texts.
_FIRST_ACTORS: Final = ALPHA_2 | {BOTH, JOINT, MEDIA}
_FIELDS_WITH_ACTORS: Final = ("owner", "addressee", "actor", "by", "host", "party")
_SECOND_CHANNEL: Final = "leaked"
# A process of the first vocabulary ignores a correction that its version of the corrected type does not admit. `due`
# and `title` are absent here, because version 1 of other types has them: such a correction is not held back.
_SECOND_FIELDS: Final = frozenset(
    {"valid_until", "instrument", "reference", "with", "in_force_from", "quantity", "extent", "covers"}
)


def version_of(data: EventModel) -> int:
    """Return the lowest version of the event's type that can hold its content."""
    type_name, fields = type(data).__name__, vars(data)
    version = 1
    for field, since in _FIELDS.get(type_name, ()):
        if since > version and fields[field] is not None:
            version = since
    for field, value, since in _VALUES.get(type_name, ()):
        if since > version and fields[field] == value:
            version = since
    return 2 if version == 1 and type_name in HIGHER and _needs_version_2(data, fields) else version


def _needs_version_2(data: EventModel, fields: Mapping[str, Any]) -> bool:
    """Return whether the content needs version 2, for example because it names an organisation."""
    by = fields.get("asserted_by")
    if by is not None and (by.party not in _FIRST_ACTORS or by.channel == _SECOND_CHANNEL):
        return True
    if isinstance(data, AssertionCorrected):
        return not _SECOND_FIELDS.isdisjoint(data.changes) or _have_names_of_version_2(data.changes)
    return _have_names_of_version_2(fields)


def _have_names_of_version_2(fields: Mapping[str, Any]) -> bool:
    """Return whether fields name an actor or a channel of version 2.

    `fields`: those of an event, or in JSON the changes of a correction, which can have a part of `asserted_by`.
    """
    for name in (*map(fields.get, _FIELDS_WITH_ACTORS), *(fields.get("parties") or ())):
        if isinstance(name, str) and name not in _FIRST_ACTORS:
            return True
    by = fields.get("asserted_by")
    return fields.get("channel") == _SECOND_CHANNEL or (isinstance(by, Mapping) and _have_names_of_version_2(by))


@cache
def number_of(type: str, version: int) -> int:
    """Return the number of the lowest vocabulary that has a version of a type."""
    for number, types in enumerate(RELEASED, 1):
        if version <= types.get(type, 0):
            return number
    return len(RELEASED) + 1


@lru_cache(maxsize=4096)
def number_of_stream(stream: str) -> int:
    """Return the number of the lowest vocabulary that can read the name of this stream."""
    kind, _, member = stream.partition("/")
    if kind == "source":
        return 1
    codes = member.partition("/")[0].upper().split("-")
    return 1 if kind in ("irritant", "round", "relation") and ALPHA_2.issuperset(codes) else 2


class Needs:
    """The vocabulary that readers of some events need.

    `number`: the lowest vocabulary that suffices. `str()` lists the types and streams that vocabulary 1 lacks, such as
    `BreachAlleged and actor/iaea`.
    """

    def __init__(self) -> None:
        self.number = 1
        self._lacking: dict[str, None] = {}  # a dictionary, because it keeps the order

    def add(self, stream: str, type: str, version: int) -> None:
        """Add an event by its stream, type and version."""
        number, of_stream = number_of(type, version), number_of_stream(stream)
        self.number = max(self.number, number, of_stream)
        if number > 1:
            self._lacking[type if version == 1 else f"{type} version {version}"] = None
        if of_stream > 1:
            self._lacking[stream] = None

    def add_label(self) -> None:
        """Add an event with a handling label above `open`. A release without labels would show it to every reader."""
        self.number = max(self.number, FIRST_WITH_LABELS)
        self._lacking["handling labels"] = None

    def __str__(self) -> str:
        names = list(self._lacking)
        further = len(names) - _MOST_SHOWN
        shown = names if further <= 1 else [*names[:_MOST_SHOWN], f"{further} others"]
        return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1]))) if shown else ""


_MOST_SHOWN: Final = 4
