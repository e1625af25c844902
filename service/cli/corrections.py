"""Corrections and retractions: each is a report of its own, and erases nothing.

The idempotency key follows from what is said and from what of the like was struck before: so the same command twice is
recorded once, and what was taken back can be said again.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from service import source_positions
from service.cli import terminal
from service.cli.client import Service, ServiceProblem, service
from service.cli.filing import file_report, show_filed
from service.cli.options import AsJson, Url
from service.cli.streams import history, named, only_relation, reference
from service.cli.terminal import Exit, Failed
from service.domain.assertion import Recorded, Statement
from service.domain.history import History
from service.domain.streams import parse_stream
from service.projections.consequences import falls_with
from service.reportfile.schema import ANYTHING, Field, plain, takes
from service.store.codec import canonical

Event = Annotated[str, typer.Argument(help="An event: its id, or its name in `history`, such as ru-us/visas@7.")]
Reason = Annotated[str, typer.Option(help="Reason, in one line. It stays in the history.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what it would change, and file nothing.")]
Relation = Annotated[str | None, typer.Option(help="For an event of a source: the relation to file this under.")]


def correct_command(
    event: Event,
    *,
    changes: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="FIELD=VALUE",
            help="Correct value of a field, such as asserted_by.person=…; repeat for several.",
        ),
    ],
    reason: Reason,
    relation: Relation = None,
    dry_run: DryRun = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Correct an event. The record will show the corrected version; readings as known earlier do not change.

    `null` removes an optional field. A correction does not count as a regression.
    """
    with service(url) as asked:
        target = named(asked, event)
        told = history(asked, target.stream)
        said = {"type": "AssertionCorrected", "changes": _patch(changes, target), "reason": reason}
        amend(asked, told, target, said, relation, dry_run=dry_run, as_json=as_json)


def retract_command(
    event: Event,
    *,
    reason: Reason,
    relation: Relation = None,
    dry_run: DryRun = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Retract an event. The record will read as if it had not been filed; readings as known earlier do not change.

    To undo a retraction, retract it.
    """
    with service(url) as asked:
        target = named(asked, event)
        told = history(asked, target.stream)
        for warning in _warnings(told, target):
            terminal.note(Text(warning, "yellow"))
        said = {"type": "AssertionRetracted", "reason": reason}
        amend(asked, told, target, said, relation, dry_run=dry_run, as_json=as_json)


def amend(
    asked: Service,
    told: History[Any],
    target: Recorded,
    said: Mapping[str, Any],
    relation: str | None,
    before: list[dict[str, Any]] | None = None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Files what is said of the target, and before it whatever that needs; shows what changed by it."""
    event = {"stream": target.stream, **said, "target": target.id}
    body = {
        "relation": relation or _relation_of(asked, target),
        "title": f"{_TITLES[said['type']]} {reference(target)}",
        "events": [*(before or ()), event],
    }
    taken_back = [e.id for e in told.events if e.id in told.amendments.struck and _target(e) == target.id]
    key = f"{said['type']}-{sha256(canonical([body, taken_back]).encode()).hexdigest()[:32]}"
    try:
        filed = file_report(asked, body, key, dry_run=dry_run)
    except ServiceProblem as refused:
        raise _with_mistakes(refused) from refused
    if as_json:
        terminal.show_json({"key": key, "replayed": filed.replayed, "dry_run": dry_run, **filed.answer})
    else:
        show_filed(filed, body, dry_run=dry_run)


_TITLES: Final = {
    "AssertionCorrected": "Correction of",
    "AssertionRetracted": "Retraction of",
    "EvidenceAdded": "Evidence of",
}


_TWICE: Final = "--set gives {path} two values; give it one"


def _target(event: Recorded) -> str | None:
    return getattr(event.data, "target", None)


def _with_mistakes(refused: ServiceProblem) -> Failed:
    """The refusal with each mistake on a line; there is no file to point into."""
    errors = refused.problem.get("errors", ())
    if len(errors) < 2:
        return refused
    lines = "".join(f"\n  {error['detail']}" for error in errors)
    return Failed(f"{refused.sentence}{lines}", refused.code, refused.found)


def _relation_of(asked: Service, target: Recorded) -> str:
    name = parse_stream(target.stream)
    if name is not None and name.relation is not None:
        return name.relation
    return only_relation(asked, f"{target.stream} belongs to no relation; name one with --relation")


def _patch(changes: list[str], target: Recorded) -> dict[str, Any]:
    """The merge patch of `a.b=value`; what a value is, is said by the field that takes it."""
    patch: dict[str, Any] = {}
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals or not path:
            raise Failed(f'invalid --set "{change}"; use FIELD=VALUE, such as occurred=2025-04-11', Exit.USAGE)
        *outer, last = path.split(".")
        field, inner = takes(target.type), patch
        for name in outer:
            field, inner = field.fields.get(name, ANYTHING), inner.setdefault(name, {})
            if not isinstance(inner, dict):
                raise Failed(_TWICE.format(path=path), Exit.USAGE)
        if last in inner:
            raise Failed(_TWICE.format(path=path), Exit.USAGE)
        inner[last] = _value(field.fields.get(last, ANYTHING), text)
    return patch


def _value(field: Field, text: str) -> Any:
    if text == "null":
        return None
    if "string" in field.types:
        return text
    try:
        found = source_positions.read(text)
    except source_positions.Unreadable as error:
        raise Failed(f"{text} cannot be read: {error.mistake.detail}", Exit.USAGE) from error
    return plain(found.root, field, found)


def _warnings(told: History[Any], target: Recorded) -> list[str]:
    """What an operator should know before striking an assertion that others rest on."""
    falls = falls_with(told, target.id)
    if not falls:
        return []
    named = "; ".join(f"{reference(e)} ({_party(e)}, {_origin(e)})" for e in falls)
    return [
        f"Its evidence loses its effect too: {named}. If part of it stands on its own, file that as a new assertion."
    ]


def _party(event: Recorded) -> str:
    assert isinstance(event.data, Statement)
    return event.data.asserted_by.party


def _origin(event: Recorded) -> str:
    assert isinstance(event.data, Statement)
    return event.data.source.origin
