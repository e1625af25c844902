"""Define the fields of every assertion, the types of their values, and the envelope of a recorded event.

Each assertion names who says it (`asserted_by`), when it happened (`occurred`) and where it can be read (`source`). The
models are stored. A field can be added with a default. To rename or remove a field needs a new version of the type and
an upcaster.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from service.domain import edtf
from service.domain.actors import BOTH, CODES, JOINT, MEDIA, is_actor

ON_RECORD: Final = "on record"
"""The validation context for stored events, whose texts were checked when they were filed.

A new check would depend on the Unicode version of this release of Python, and stored events must stay readable.
"""
_MISLEADING: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_REMOVED: Final = dict.fromkeys(
    (*(0x200E, 0x200F, 0x061C), *(0x202A, 0x202B, 0x202C), *range(0x2066, 0x206A), *(0x00AD, 0xFEFF))
)
"""Invisible characters that come with copied text and are removed: direction marks, soft hyphens, byte order marks.

The two direction overrides (U+202D and U+202E) are refused instead, because without them the text would read otherwise.
"""
_JOINERS: Final = "\u200c\u200d"
_JOINING_SCRIPTS: Final = frozenset(
    (
        *("ARABIC", "BENGALI", "DEVANAGARI", "GUJARATI", "GURMUKHI", "KANNADA", "KHMER", "MALAYALAM", "MONGOLIAN"),
        *("MYANMAR", "ORIYA", "SINHALA", "SYRIAC", "TAMIL", "TELUGU", "THAANA"),
    )
)
_INVISIBLE: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
# Variation selectors choose a form of the letter or sign before them. After any other character they are invisible.
_SELECTORS: Final = frozenset(
    map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), 0x180B, 0x180C, 0x180D, 0x180F))
)


def _plain(most: int) -> AfterValidator:
    """Return a validator of a line of visible text with at most `most` characters. It returns the text in NFC."""

    def plain(text: str, info: ValidationInfo) -> str:
        if info.context is not ON_RECORD:
            _refuse_what_misleads(text)
            text = text if text.isascii() else text.translate(_REMOVED)
        composed = unicodedata.normalize("NFC", text)
        if info.context is not ON_RECORD:
            _refuse_what_is_blank(composed)
            if len(composed) > most:  # A few letters are longer composed than before.
                raise PydanticCustomError("plain_text", f"has more than {most} characters once it is composed")
        return composed

    return AfterValidator(plain)


def _refuse_what_misleads(text: str) -> None:
    """Refuse invisible and misleading characters."""
    # Control characters break terminals and jsonb. Format characters, such as zero-width spaces, make two names look
    # alike. Lone surrogates cannot be stored. Unassigned and private characters look different on each computer, and
    # XML does not allow some of them.
    if text.isprintable() and (text.isascii() or (_INVISIBLE.isdisjoint(text) and _SELECTORS.isdisjoint(text))):
        return
    kept = [(place, c) for place, c in enumerate(text, 1) if ord(c) not in _REMOVED]
    characters = "".join(c for _, c in kept)
    for (place, c), before, after in zip(kept, f" {characters}", f"{characters[1:]} ", strict=False):
        if _misleads(c, before, after):
            why = f"has {_description(c)} at character {place}, which is not allowed. Remove it"
            raise PydanticCustomError("plain_text", "{why}", {"why": why})


def _refuse_what_is_blank(text: str) -> None:
    if not text.strip():
        raise PydanticCustomError("plain_text", "is blank")


def _misleads(c: str, before: str, after: str) -> bool:
    """Return whether a character is invisible or misleading between the characters before and after it."""
    if c in _JOINERS:
        return not _is_joiner(before, after)
    if c in _SELECTORS:
        return unicodedata.category(before) not in ("Lo", "So")
    return c in _INVISIBLE or unicodedata.category(c) in _MISLEADING


def _description(c: str) -> str:
    """Return the code and the name of a character, such as `U+202E (right-to-left override)`."""
    if c in "\r\n":
        return "a line break"
    name = unicodedata.name(c, "").lower() or _NAMELESS.get(unicodedata.category(c), "")
    return f"U+{ord(c):04X}{f' ({name})' if name else ''}"


_NAMELESS: Final = {
    "Cc": "a control character",
    "Cn": "not assigned",
    "Co": "a private character",
    "Cs": "half of a surrogate pair",
}


def _is_joiner(before: str, after: str) -> bool:
    """Return whether a joiner or non-joiner is part of a word: between two letters, or after a virama.

    A virama mutes a vowel. Half forms in Hindi and final letters in older Malayalam texts have a joiner after it.
    """
    return _joins(before) and (_joins(after) or unicodedata.combining(before) == _VIRAMA)


_VIRAMA: Final = 9  # the combining class of a virama


@lru_cache(maxsize=4096)
def _joins(letter: str) -> bool:
    """Return whether this is a letter or mark of a script that uses joiners, such as Arabic or Devanagari."""
    name = unicodedata.name(letter, "")
    return unicodedata.category(letter)[0] in "LM" and name.partition(" ")[0] in _JOINING_SCRIPTS


def _few_words(text: str) -> str:
    if len(text.split()) > 5:
        raise PydanticCustomError("wording", "has more than five words. Shorten it and put the rest in `summary`")
    return text


def _edtf(text: str) -> str:
    try:
        edtf.parse(text)
    except edtf.NotEdtf as error:
        raise PydanticCustomError("edtf", "{why}", {"why": str(error)}) from None
    return text


_CODE_OF_A_STATE: Final = "the code of a state in two capital letters, such as US (also EU, UN and XK)"
_CAPITALS: Final = "must be {}: codes of states are in capital letters"


def _party(code: str) -> str:
    if code not in CODES:
        why = _CAPITALS.format(code.upper()) if code.upper() in CODES else f"must be {_CODE_OF_A_STATE}"
        raise PydanticCustomError("party", "{why}", {"why": why})
    return code


def _state_or_organisation(name: str, *, or_else: str = "") -> str:
    if is_actor(name):
        return name
    choice = f"must be {_CODE_OF_A_STATE}, or the short name of a registered organisation{or_else}"
    why = _CAPITALS.format(name.upper()) if name.upper() in CODES else choice
    raise PydanticCustomError("actor", "{why}", {"why": why})


def _voice(name: str) -> str:
    return name if name in (JOINT, MEDIA) else _state_or_organisation(name, or_else=", or `JOINT` or `MEDIA`")


def _actor(name: str) -> str:
    if name in (JOINT, MEDIA):
        remedy = (
            "For both sides use `both`" if name == JOINT else "Give the code of a state, an organisation, or `both`"
        )
        raise PydanticCustomError(
            "actor", "{why}", {"why": f"cannot be `{name}`, which can say something, but not act. {remedy}"}
        )
    return name if name == BOTH else _state_or_organisation(name, or_else=", or `both`")


Line = Annotated[str, StringConstraints(min_length=1, max_length=300), _plain(300)]
"""One line of text in the operator's words."""
Wording = Annotated[str, StringConstraints(min_length=1, max_length=120), _plain(120), AfterValidator(_few_words)]
Edtf = Annotated[str, StringConstraints(min_length=1, max_length=60), AfterValidator(_edtf)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
RelationId = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}-[a-z]{2}$")]
MemberId = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}-[a-z]{2}/[a-z0-9]+(-[a-z0-9]+)*$", max_length=90)]
"""The id of an irritant or a round, such as `ru-us/banking-access`."""
Party = Annotated[str, AfterValidator(_party)]
Voice = Annotated[str, AfterValidator(_voice)]
"""Who speaks: the code of a state, the slug of a registered organisation, `JOINT` for one text by both parties, `MEDIA`
for an outlet or unnamed media."""
Actor = Annotated[str, AfterValidator(_actor)]
"""Who acts or is to act: a party of the relation or `both`. Some fields also allow another state or organisation."""
ACTOR_FIELDS: Final = ("owner", "addressee", "actor", "by")
"""The names of all fields of type `Actor` with that meaning, in all event types."""
EventId = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""The id of an event. A filed report can also use the `ref` of another of its events, or `irritant/ru-us/visas@3`."""
REFERENCE_FIELDS: Final = ("target", "proposal", "undoes", "after", "instrument")
"""The names of all fields of type `EventId`, in all event types. Each names another event of the same stream."""

Unit = Annotated[str, StringConstraints(min_length=1, max_length=60), _plain(60)]

Channel = Literal["quote", "paraphrase", "attributed", "leaked", "outlet"]
"""How the words reached the document. `leaked`: a text that its author did not publish. It counts as `attributed`."""
ONLY_FOR_MEDIA: Final = "is `outlet`, which is only for MEDIA. Use `quote`, `paraphrase`, `attributed` or `leaked`"
OWN_WORDS: Final = frozenset({"quote", "paraphrase"})
"""The channels of a side's own words. With any other channel, the words are only attributed to it."""


class EventModel(BaseModel):
    """The base of all types of events, and of the models of their fields: frozen, strict, without unknown fields."""

    # By alias, because `with` is a keyword of Python and its field has the name `with_`.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, serialize_by_alias=True)


class AssertedBy(EventModel):
    """Who asserts it: the party, the organ and the person if known, and how the words reached the document."""

    party: Voice
    organ: Line | None = None
    person: Line | None = None
    channel: Channel

    @model_validator(mode="after")
    def _outlets_are_media(self) -> Self:
        if self.channel == "outlet" and self.party != "MEDIA":
            raise PydanticCustomError("channel", "{why}", {"why": ONLY_FOR_MEDIA})
        return self


class Citation(EventModel):
    """Where it can be read: the document, its paragraphs (numbers of non-blank lines, from 1), and the origin."""

    document: Slug
    # Not strict, so that a JSON array can be a Python list. The members stay strict.
    paragraphs: Annotated[
        tuple[Annotated[int, Field(strict=True, ge=1, le=100_000)], ...],
        Field(strict=False, min_length=1, max_length=200),
    ]
    origin: Slug


class Statement(EventModel):
    """The fields of assertions and of evidence. `summary`: the content in the operator's own words."""

    asserted_by: AssertedBy
    source: Citation
    summary: Line


_NOT_INFERRED: Final = "is missing, because `occurred_basis` is `inferred`. Say in one line how the date was inferred"
_UNDATED: Final = (
    "is missing, because `occurred_basis` is `inferred`. Give the date in `occurred` and how it was inferred in"
    " `inference`, or remove `occurred_basis`"
)


class Assertion(Statement):
    """An event that says something about the world.

    `occurred`: when it happened, null if unknown. `inference`: how an inferred date was found. `wording`: the side's
    own two to five words. `after`: an event that this one came after, if dates cannot show it.
    """

    occurred: Edtf | None = None
    occurred_basis: Literal["stated", "inferred"] = "stated"
    inference: Line | None = None
    wording: Wording | None = None
    after: EventId | None = None

    @model_validator(mode="after")
    def _inferred_dates_say_how(self) -> Self:
        if self.occurred_basis == "inferred" and self.inference is None:
            raise PydanticCustomError("inference", "{why}", {"why": _NOT_INFERRED if self.occurred else _UNDATED})
        if self.occurred_basis == "stated" and self.inference is not None:
            raise PydanticCustomError("inference", "is only for inferred dates. Set `occurred_basis` to `inferred`")
        return self


class RecordKeeping(EventModel):
    """The base of events that keep the record and say nothing about the world, such as RelationOpened."""


class EvidenceAdded(Statement):
    """A further document or a further voice says the same as an event on record."""

    type: Literal["EvidenceAdded"] = "EvidenceAdded"
    target: EventId
    wording: Wording | None = None


class ClaimContested(Assertion):
    """An actor denies an event on record, its own or another's, and so no longer supports it."""

    type: Literal["ClaimContested"] = "ClaimContested"
    target: EventId


class AssertionCorrected(RecordKeeping):
    """Correct fields of an event that was recorded wrongly. This is not a regression."""

    type: Literal["AssertionCorrected"] = "AssertionCorrected"
    target: EventId
    # A JSON Merge Patch (RFC 7396) of the target, so that one field of `asserted_by` can be corrected alone.
    changes: Annotated[dict[str, object], Field(min_length=1)]
    reason: Line


class AssertionRetracted(RecordKeeping):
    """Retract an event that should not be on record. This is not a regression."""

    type: Literal["AssertionRetracted"] = "AssertionRetracted"
    target: EventId
    reason: Line


class HandlingChanged(RecordKeeping):
    """Change which readers may see an event. `label`: its new handling label. Only an administrator can file this."""

    type: Literal["HandlingChanged"] = "HandlingChanged"
    target: EventId
    label: Slug
    reason: Line


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event on record, with its envelope.

    `position`: its number in the whole record, from 1 without gaps. `version`: its number in its stream, from 1.
    `actor`: who filed it. `report`: the id of the report that it was filed in. `correlation`: the id of the request
    that filed it. `causation`: the id of the event that it names. `recorded_at`: the time of recording in UTC. It never
    decreases with `position`. `handling`: the label with which it was filed, None for `open`. `rank`: that of its
    present label (see `domain.handling`).
    """

    position: int
    stream: str
    version: int
    id: str
    type: str
    data: EventModel
    actor: str
    report: str
    correlation: str
    causation: str | None
    recorded_at: datetime
    handling: str | None = None
    rank: int = 0


def when(occurred: str | None) -> edtf.Span:
    """Return the first and last possible day of an EDTF date, None and None if there is no date."""
    return UNKNOWN if occurred is None else edtf.parse(occurred)


UNKNOWN = edtf.Span(None, None)
