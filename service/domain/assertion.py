"""What every assertion carries, and the envelope in which the record keeps an event.

Nothing is simply true here: somebody asserts it, on some date, in some document. The models below are on disk; a field
may be added with a default, never renamed or removed without a new schema version and an upcaster.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from service.domain import edtf
from service.domain.actors import BOTH, CODES, JOINT, MEDIA, is_actor

ON_RECORD: Final = "on record"
"""The context of validation for what was filed once: judged at the door it is not judged again.

What is a letter depends on the version of Unicode, and so on the release of Python: a record must read in all of them.
"""
_MISLEADING: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_UNMARKED: Final = dict.fromkeys((0x200E, 0x200F, 0x061C, 0x00AD, 0xFEFF))
"""Direction marks, soft hyphens and byte order marks come along with copied text; they say nothing, and are removed."""
_JOINERS: Final = "\u200c\u200d"
_JOINING_SCRIPTS: Final = frozenset(
    (
        *("ARABIC", "BENGALI", "DEVANAGARI", "GUJARATI", "GURMUKHI", "KANNADA", "KHMER", "MALAYALAM", "MONGOLIAN"),
        *("MYANMAR", "ORIYA", "SINHALA", "SYRIAC", "TAMIL", "TELUGU", "THAANA"),
    )
)
# Letters and marks of which nothing is seen.
_UNSEEN: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
# They choose between the forms of a letter or a sign that has several; after any other they are not seen.
_SELECTORS: Final = frozenset(
    map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), 0x180B, 0x180C, 0x180D, 0x180F))
)


def _plain(most: int) -> AfterValidator:
    """A line of text as everybody sees it, composed (NFC), of no more characters than that."""

    def plain(text: str, info: ValidationInfo) -> str:
        composed = unicodedata.normalize("NFC", text if info.context is ON_RECORD else text.translate(_UNMARKED))
        if info.context is not ON_RECORD:
            _refuse_what_misleads(composed)
            if len(composed) > most:  # A few letters are longer composed than before.
                raise PydanticCustomError("plain_text", f"has more than {most} characters once it is composed")
        return composed

    return AfterValidator(plain)


def _refuse_what_misleads(text: str) -> None:
    # Control characters break terminals and jsonb, format characters (bidi overrides, zero-width) make two names look
    # alike, line separators end it, lone surrogates cannot be stored, what is not assigned or private shows otherwise
    # everywhere, and some of it no XML may hold; none of them belongs in a line of a record.
    misleading = "" if text.isprintable() else _misleading(text)
    if misleading:
        name = "a line break" if misleading in "\r\n" else f"the character U+{ord(misleading):04X}"
        raise PydanticCustomError("plain_text", f"has {name}, which this field does not take; remove it")
    if not text.isascii() and (not _UNSEEN.isdisjoint(text) or _chooses_nothing(text)):
        raise PydanticCustomError("plain_text", "has a letter that cannot be seen")
    if not text.strip():
        raise PydanticCustomError("plain_text", "is blank")


def _misleading(text: str) -> str:
    """The first character that misleads. A joiner or non-joiner is a part of the words of scripts that join letters."""
    around = zip(f" {text}", text, f"{text[1:]} ", strict=False)
    return next(
        (
            c
            for before, c, after in around
            if unicodedata.category(c) in _MISLEADING and not (c in _JOINERS and _joins(before) and _joins(after))
        ),
        "",
    )


def _joins(letter: str) -> bool:
    """Whether this is a letter or mark of a script that uses joiners: Arabic's, and those of South Asia."""
    name = unicodedata.name(letter, "")
    return unicodedata.category(letter)[0] in "LM" and name.partition(" ")[0] in _JOINING_SCRIPTS


def _chooses_nothing(text: str) -> bool:
    if _SELECTORS.isdisjoint(text):
        return False
    pairs = pairwise(f" {text}")
    return any(c in _SELECTORS and unicodedata.category(before) not in ("Lo", "So") for before, c in pairs)


def _few_words(text: str) -> str:
    if len(text.split()) > 5:
        raise PydanticCustomError("wording", "is at most five words of the side's own; the rest belongs in the summary")
    return text


def _edtf(text: str) -> str:
    try:
        edtf.parse(text)
    except edtf.NotEdtf as error:
        raise PydanticCustomError("edtf", "{why}", {"why": str(error)}) from None
    return text


def _party(code: str) -> str:
    if code not in CODES:
        raise PydanticCustomError("party", "is no ISO 3166-1 alpha-2 code, in upper case (nor EU, UN or XK)")
    return code


def _state_or_organisation(name: str) -> str:
    return name if is_actor(name) else _party(name)


def _voice(name: str) -> str:
    return name if name in (JOINT, MEDIA) else _state_or_organisation(name)


def _acting(name: str) -> str:
    return name if name == BOTH else _state_or_organisation(name)


Line = Annotated[str, StringConstraints(min_length=1, max_length=300), _plain(300)]
Wording = Annotated[str, StringConstraints(min_length=1, max_length=120), _plain(120), AfterValidator(_few_words)]
Edtf = Annotated[str, StringConstraints(min_length=1, max_length=60), AfterValidator(_edtf)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
RelationId = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}-[a-z]{2}$")]
MemberId = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}-[a-z]{2}/[a-z0-9]+(-[a-z0-9]+)*$", max_length=90)]
"""An irritant or a round by its id: `ru-us/banking-access`."""
Party = Annotated[str, AfterValidator(_party)]
Voice = Annotated[str, AfterValidator(_voice)]
"""Who speaks: a state's code, the slug of a registered organisation, `JOINT` for one text of both parties, `MEDIA` for
an outlet or unnamed media."""
Actor = Annotated[str, AfterValidator(_acting)]
"""Who acts or must act: a party of the relation or `both`; where a rule allows it another state or organisation."""
ACTING: Final = ("owner", "addressee", "actor", "by")
"""The fields of that type, in whichever event has them."""
EventId = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""On disk the id of an event; while filing also a `ref` of the same report or `stream@version`."""

Unit = Annotated[str, StringConstraints(min_length=1, max_length=60), _plain(60)]

Channel = Literal["quote", "paraphrase", "attributed", "leaked", "outlet"]
"""How the words reached the document. `leaked` is a text that its author did not publish: it weighs as `attributed`."""
OWN_WORDS: Final = frozenset({"quote", "paraphrase"})
"""The channels of a side's own words; what comes by another is only attributed to it."""


class Contract(BaseModel):
    """What is on disk: frozen, strict, and closed to unknown fields."""

    # By alias: `with` is a word of Python, so the field that holds it is `with_`.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, serialize_by_alias=True)


class AssertedBy(Contract):
    """Who asserts it: the party, where known the organ and the person, and how its words reached the document."""

    party: Voice
    organ: Line | None = None
    person: Line | None = None
    channel: Channel

    @model_validator(mode="after")
    def _outlets_are_media(self) -> Self:
        if self.channel == "outlet" and self.party != "MEDIA":
            raise PydanticCustomError("channel", "the channel `outlet` is an outlet's own voice: only MEDIA has it")
        return self


class Citation(Contract):
    """Where it is read: document, its paragraphs (non-blank lines, from 1), and the utterance behind it."""

    document: Slug
    # Lax only in that a JSON array may come as a Python list; its members stay strict.
    paragraphs: Annotated[
        tuple[Annotated[int, Field(strict=True, ge=1, le=100_000)], ...],
        Field(strict=False, min_length=1, max_length=200),
    ]
    origin: Slug


class Statement(Contract):
    """What an assertion and its evidence have in common: who says it, where, in the operator's own words."""

    asserted_by: AssertedBy
    source: Citation
    summary: Line


class Assertion(Statement):
    """Something said about the world. `occurred` is the world's clock; null where unknown."""

    occurred: Edtf | None = None
    occurred_basis: Literal["stated", "inferred"] = "stated"
    inference: Line | None = None
    wording: Wording | None = None
    after: EventId | None = None

    @model_validator(mode="after")
    def _inferred_dates_say_how(self) -> Self:
        if self.occurred_basis == "inferred" and self.inference is None:
            raise PydanticCustomError("inference", "an inferred date says in one line how it was inferred")
        if self.occurred_basis == "stated" and self.inference is not None:
            raise PydanticCustomError("inference", "a stated date has no inference; set occurred_basis to `inferred`")
        return self


class Keeping(Contract):
    """Record-keeping: says nothing about the world and carries none of an assertion's fields."""


class EvidenceAdded(Statement):
    """A further document or a further voice says the same thing; it stands in its target's place."""

    type: Literal["EvidenceAdded"] = "EvidenceAdded"
    target: EventId
    wording: Wording | None = None


class ClaimContested(Assertion):
    """A party denies the target: it no longer stands behind it, while the target stays reported."""

    type: Literal["ClaimContested"] = "ClaimContested"
    target: EventId


class AssertionCorrected(Keeping):
    """The record was wrong in these fields; state is as if they had always read so. Not a regression."""

    type: Literal["AssertionCorrected"] = "AssertionCorrected"
    target: EventId
    # A JSON Merge Patch (RFC 7396) of the target as filed, so that one field of `asserted_by` can be mended alone.
    changes: Annotated[dict[str, object], Field(min_length=1)]
    reason: Line


class AssertionRetracted(Keeping):
    """The target should not be on record; state is as if it had never been said. Not a regression."""

    type: Literal["AssertionRetracted"] = "AssertionRetracted"
    target: EventId
    reason: Line


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as the record keeps it. `position` is global, gap-free, from 1; `version` counts in its stream, from 1.

    `recorded_at` (UTC) is this record's clock and never decreases with `position`.
    """

    position: int
    stream: str
    version: int
    id: str
    type: str
    data: Contract
    actor: str
    report: str
    correlation: str
    causation: str | None
    recorded_at: datetime


def when(occurred: str | None) -> edtf.Span:
    """`earliest` and `latest` of an EDTF string; both None where nothing is known."""
    return UNKNOWN if occurred is None else edtf.parse(occurred)


UNKNOWN = edtf.Span(None, None)
