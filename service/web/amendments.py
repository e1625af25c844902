"""A correction or a retraction as it stands in a form: what reads otherwise in it than on record, and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

from service.api.problems import Mistake
from service.domain.assertion import AssertionCorrected, AssertionRetracted, Recorded
from service.domain.catalogue import dump
from service.domain.history import History
from service.web.drafts import Entry, Placed, at_field, put, said_in
from service.web.fields import Path, fields_of, plain, written
from service.web.forms import Form

Kind = Literal["correct", "retract"]
_TYPES: Final[dict[Kind, str]] = {"correct": "AssertionCorrected", "retract": "AssertionRetracted"}
_NUMBER: Final = 0


@dataclass(frozen=True)
class Amendment:
    """What is to be filed of an event on record. `seen`: the version of its stream that its writer saw."""

    kind: Kind
    told: History[Any]
    target: Recorded
    key: str
    relation: str
    title: str
    reason: str
    seen: int
    entry: Entry

    @property
    def address(self) -> str:
        return f"/{self.kind}/{self.target.id}"

    @cached_property
    def reads(self) -> dict[str, Any]:
        """The target as it reads on record."""
        return dump(self.told.amendments.reads(self.target))

    @property
    def changes(self) -> dict[str, Any]:
        """The merge patch from what is on record to what is in the form."""
        patch: dict[str, Any] = {}
        for field in self.entry.fields:
            before, text = written(field, within(self.reads, field.path)), self.entry.said.get(field.path, "")
            if text != before:
                put(patch, field.path, plain(field, text) if text else None)
        if "inference" in patch:
            patch["occurred_basis"] = "inferred" if patch["inference"] else "stated"
        return patch

    @property
    def is_empty(self) -> bool:
        """Whether nothing would be corrected."""
        return self.kind == "correct" and not self.changes

    @property
    def body(self) -> dict[str, Any]:
        stream = self.target.stream
        event = {"stream": stream, "type": _TYPES[self.kind], "target": self.target.id}
        if self.reason:
            event["reason"] = self.reason
        said = {**event, "changes": self.changes} if self.kind == "correct" else event
        return {"relation": self.relation, "title": self.title, "expect": {stream: self.seen}, "events": [said]}

    def placed(self, mistakes: Iterable[Mistake]) -> list[Placed]:
        """Each mistake at its field."""
        return [self._placed(tuple((m.pointer or "").split("/")[1:]), m.detail) for m in mistakes]

    def _placed(self, tokens: Path, detail: str) -> Placed:
        match tokens:
            case ["events", "0", "reason"]:
                return Placed("reason", None, None, detail, not self.reason)
            case ["events", "0", "changes", *rest] if rest:
                return at_field(self.entry, tuple(rest), detail)
            case ["expect", *_]:
                return Placed("expect", None, None, detail)
            case _:
                return Placed("report", None, None, detail)


def within(data: Any, path: Path) -> Any:
    """What is at a place of an event; None where nothing is."""
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def begun(kind: Kind, told: History[Any], target: Recorded, key: str, relation: str, title: str) -> Amendment:
    """An amendment in which nothing reads otherwise yet."""
    reads = dump(told.amendments.reads(target))
    said = {field.path: written(field, within(reads, field.path)) for field in _asked(kind, target)}
    entry = Entry(_NUMBER, target.stream, target.type, said)
    return Amendment(kind, told, target, key, relation, title, "", told.version, entry)


def read(form: Form, begun: Amendment) -> Amendment:
    """The same with what the form has."""
    seen = form.get("seen")
    said = said_in(form).get(_NUMBER, {})
    return Amendment(
        begun.kind,
        begun.told,
        begun.target,
        form.get("key") or begun.key,
        form.get("relation") or begun.relation,
        begun.title,
        form.get("reason"),
        int(seen) if seen.isdecimal() and len(seen) < 10 else begun.seen,
        Entry(_NUMBER, begun.entry.stream, begun.entry.type, {**begun.entry.said, **said}),
    )


def _asked(kind: Kind, target: Recorded) -> Iterable[Any]:
    """A retraction asks for nothing but its reason; nor is there a form for what an amendment says."""
    is_amendment = isinstance(target.data, AssertionCorrected | AssertionRetracted)
    return () if kind == "retract" or is_amendment else fields_of(target.type)
