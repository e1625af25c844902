"""The sentences of warnings on a report, for the API, the form and the command line.

A warning points to what may be a slip, such as "3 March 1825 is before 1900. Check the year."
`service/domain/warnings.py` finds them.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import Field

from service.domain import edtf
from service.domain.actor.names import NO_NAMES, ActorNames
from service.domain.actors import JOINT
from service.domain.irritant.undertakings import Terms
from service.domain.warnings import Code, FilingWarning
from service.projections.document import Document
from service.projections.words.event_types import event_name
from service.projections.words.names import name_of


class WarningDocument(Document):
    """What may be a slip in a report. It does not keep the report from being recorded."""

    code: Code
    pointer: str = Field(description="JSON Pointer (RFC 6901) to the place in the report")
    detail: str


def document(warning: FilingWarning, names: ActorNames = NO_NAMES) -> WarningDocument:
    """Return a warning with its sentence and its place in the report. `names` are the names of actors on record."""
    detail = _SENTENCES[warning.code]({**warning.facts, "names": names})
    pointer = f"/events/{warning.index}{warning.field}"
    return WarningDocument(code=warning.code, pointer=pointer, detail=detail[:1].upper() + detail[1:])


def _before_1900(facts: Mapping[str, Any]) -> str:
    return f"{_day(facts['date'])} is before 1900. Check the year."


def _statement_too_old(facts: Mapping[str, Any]) -> str:
    said, occurred = _day(facts["said"]), _day(facts["occurred"])
    who = f"the statement by {facts['speaker']}" if facts["speaker"] else _document(facts)
    return f"{who} is dated {said}, before what it reports of {occurred}. Check both dates."


def _other_terms(facts: Mapping[str, Any]) -> str:
    was: Terms = facts["was"]
    terms: Terms = facts["terms"]
    by = "both sides jointly" if facts["by"] == JOINT else _name(facts, facts["by"])
    return (
        f"this step is on record with other terms. By {by}: {_terms(facts, was)}. Here: {_terms(facts, terms)}."
        f" The step: {facts['action'].rstrip('.')}."
    )


def _terms(facts: Mapping[str, Any], terms: Terms) -> str:
    parts = [f"owner {_name(facts, terms.owner)}"]
    if terms.due:
        parts.append(f"due {_day(terms.due)}")
    if terms.quantity:
        amount = f"{terms.quantity.value} {terms.quantity.unit}"
        parts.append(_QUANTITIES[terms.quantity.qualifier].format(amount))
    return ", ".join(parts)


_QUANTITIES: Final = {"exact": "{}", "at_least": "at least {}", "at_most": "at most {}", "about": "about {}"}


def _already_cited(facts: Mapping[str, Any]) -> str:
    paragraphs = sorted(facts["paragraphs"])
    numbers = ", ".join(map(str, paragraphs))
    cited = f"paragraph {numbers}" if len(paragraphs) == 1 else f"paragraphs {numbers}"
    verb = "is" if len(paragraphs) == 1 else "are"
    speaker = f", by {facts['speaker']}," if facts["speaker"] else ""
    where = " in this report" if facts["here"] else ""
    return (
        f"{cited} of {_document(facts)}{speaker} {verb} already cited{where} for “{event_name(facts['type'])}”."
        " If this says the same again, leave it out."
    )


def _undated_advance(facts: Mapping[str, Any]) -> str:
    begin = f"this has no date, and {_reversal(facts)}" if facts["is_advance"] else f"{_advance(facts)} has no date"
    counted = "before" if facts["is_undone"] else "after"
    return (
        f"{begin}. It counts as {counted} the reversal. Give its date, or name in `after` what it followed."
        if facts["is_advance"]
        else f"{begin}. It counts as {counted} this reversal. Correct its date, if it is known."
    )


def _overlaps_reversal(facts: Mapping[str, Any]) -> str:
    advance, reversal = _of(facts["advance"]), _of(facts["reversal"])
    begin = (
        f"this is {advance}, and {_reversal(facts)}"
        if facts["is_advance"]
        else f"this reversal is {reversal}, and {_advance(facts)} is {advance}"
    )
    counted = "later" if facts["is_undone"] else "earlier"
    return (
        f"{begin}. The dates do not say which came first, and the reversal counts as the {counted}."
        " Give a closer date, or name in `after` what this followed."
    )


def _reversal(facts: Mapping[str, Any]) -> str:
    return f"the reversal by {_name(facts, facts['by'])} to {_rung(facts['to'])} is {_of(facts['reversal'])}"


def _advance(facts: Mapping[str, Any]) -> str:
    summary = facts["summary"].rstrip(".")
    return f"“{summary}”, which puts {_name(facts, facts['by'])} at {_rung(facts['rung'])},"


def _lowers_nothing(facts: Mapping[str, Any]) -> str:
    by = "both sides are" if facts["by"] == JOINT else f"{_name(facts, facts['by'])} is"
    return f"{by} at {_rung(facts['to'])} or lower at that date, so this reversal lowers nothing."


def _only_support(facts: Mapping[str, Any]) -> str:
    by, rung, now = _name(facts, facts["by"]), _rung(facts["rung"]), _rung(facts["now"])
    still = f" {_rung(facts['still']).capitalize()} is still reported." if facts["still"] else ""
    return f"{by} made no other statement that puts it at {rung}. Without this one it is at {now}.{still}"


def _name(facts: Mapping[str, Any], actor: str) -> str:
    return name_of(actor, facts["names"])


def _rung(rung: str) -> str:
    return rung.replace("_", " ")


def _day(written: str) -> str:
    return edtf.describe(written)


def _of(written: str | None) -> str:
    return f"dated {_day(written)}" if written else "without a date"


def _document(facts: Mapping[str, Any]) -> str:
    published = f" ({_day(facts['published'])})" if facts["published"] else ""
    return f"“{facts['title']}”{published}"


_SENTENCES: Final = {
    "before_1900": _before_1900,
    "statement_too_old": _statement_too_old,
    "other_terms": _other_terms,
    "already_cited": _already_cited,
    "undated_advance": _undated_advance,
    "overlaps_reversal": _overlaps_reversal,
    "lowers_nothing": _lowers_nothing,
    "only_support": _only_support,
}


def documents(warnings: Iterable[FilingWarning], names: ActorNames = NO_NAMES) -> tuple[WarningDocument, ...]:
    """Return warnings with their sentences."""
    return tuple(document(warning, names) for warning in warnings)
