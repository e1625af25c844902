"""Corrections, retractions and evidence. Each is a report of its own, and nothing is erased.

The idempotency key is a hash of the report and of the retracted corrections of the same event. So the same command is
recorded once, and can be repeated after its correction was retracted.
"""

import re
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
from service.cli.streams import find_event, only_relation, read_history, reference
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
        target = find_event(asked, event)
        history = read_history(asked, target.stream)
        said = {"type": "AssertionCorrected", "changes": _patch(changes, target), "reason": reason}
        amend(asked, history, target, said, relation, dry_run=dry_run, as_json=as_json)


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
        target = find_event(asked, event)
        history = read_history(asked, target.stream)
        for warning in _warnings(history, target):
            terminal.note(Text(warning, "yellow"))
        said = {"type": "AssertionRetracted", "reason": reason}
        amend(asked, history, target, said, relation, dry_run=dry_run, as_json=as_json)


def amend(
    asked: Service,
    history: History[Any],
    target: Recorded,
    said: Mapping[str, Any],
    relation: str | None,
    before: list[dict[str, Any]] | None = None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """File an amendment of the target, after the events in `before`, and show what it changed."""
    event = {"stream": target.stream, **said, "target": target.id}
    body = {
        "relation": relation or _relation_of(asked, target),
        "title": f"{_TITLES[said['type']]} {reference(target)}",
        "events": [*(before or ()), event],
    }
    taken_back = [e.id for e in history.events if e.id in history.amendments.struck and _target(e) == target.id]
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
    """Return the refusal with each mistake on a line."""
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
    """Return the merge patch of `a.b=value` texts. The type of a field decides how its value is read."""
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


def _warnings(history: History[Any], target: Recorded) -> list[str]:
    """Return a warning if other events lose their effect with the target."""
    falls = falls_with(history, target.id)
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


_PARAGRAPHS: Final = re.compile(r"[0-9]{1,6}(,[0-9]{1,6})*")


def evidence_command(
    event: Event,
    *,
    source: Annotated[str, typer.Option(help="Slug of the document.")],
    paragraphs: Annotated[
        str, typer.Option(metavar="N[,N…]", help="Its paragraphs that say it; blank lines do not count.")
    ],
    origin: Annotated[str | None, typer.Option(help="The origin; without it: that of the event.")] = None,
    summary: Annotated[str | None, typer.Option(help="What it says, in your words; without it: as the event.")] = None,
    wording: Annotated[str | None, typer.Option(help="The side's own word for it.")] = None,
    party: Annotated[str | None, typer.Option(help="Who says it; required for a new origin.")] = None,
    channel: Annotated[str | None, typer.Option(help="quote, paraphrase, attributed or outlet.")] = None,
    organ: Annotated[str | None, typer.Option(help="Institution, such as a ministry.")] = None,
    person: Annotated[str | None, typer.Option(help="Who spoke.")] = None,
    publisher: Annotated[str | None, typer.Option(help="Publisher of the document; registers it.")] = None,
    count: Annotated[int | None, typer.Option("--count", help="With --publisher: its number of paragraphs.")] = None,
    web: Annotated[str | None, typer.Option("--address", help="With --publisher: its address on the web.")] = None,
    published: Annotated[str | None, typer.Option(help="With --publisher: its date (EDTF).")] = None,
    language: Annotated[str | None, typer.Option(help="With --publisher: its language, such as en.")] = None,
    speaker: Annotated[str | None, typer.Option(help="Who spoke; registers the origin with the document.")] = None,
    relation: Relation = None,
    dry_run: DryRun = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Add a document or a speaker that says the same as an event.

    A document that relays a known origin does not change the basis. A new origin by the other side does.
    """
    if not _PARAGRAPHS.fullmatch(paragraphs):
        raise Failed(f'invalid --paragraphs "{paragraphs}"; use numbers such as 3,4', Exit.USAGE)
    with service(url) as asked:
        target = find_event(asked, event)
        history = read_history(asked, target.stream)
        statement = _statement(history, target)
        cited = origin or statement.source.origin
        said_by = {"party": party, "channel": channel, "organ": organ, "person": person}
        asserted_by = {**_known_speaker(asked, cited, statement, party), **_given(said_by)}
        if not asserted_by.keys() >= {"party", "channel"}:
            raise Failed(
                f"the origin {cited} is not registered; name who says it with --party and --channel", Exit.USAGE
            )
        said = {
            "type": "EvidenceAdded",
            "asserted_by": asserted_by,
            "source": {"document": source, "paragraphs": [int(n) for n in paragraphs.split(",")], "origin": cited},
            "summary": summary or statement.summary,
            **_given({"wording": wording}),
        }
        document = {"publisher": publisher, "paragraphs": count, "address": web}
        document |= {"published": published, "language": language}
        spoken = {"origin": cited, "speaker": speaker, "party": asserted_by["party"], "channel": asserted_by["channel"]}
        before = [_registered("SourceRegistered", source, document)] if publisher else []
        before += [_registered("OriginRegistered", source, spoken)] if speaker else []
        amend(asked, history, target, said, relation, before, dry_run=dry_run, as_json=as_json)


def _statement(history: History[Any], target: Recorded) -> Statement:
    """Return the assertion as it reads now. Raises Failed if the event is not an assertion."""
    placed = history.placed(target.id)
    said = placed.data if placed else target.data
    if not isinstance(said, Statement):
        raise Failed(f"{reference(target)} is no assertion, so it has no evidence; name an assertion", Exit.USAGE)
    return said


def _known_speaker(asked: Service, origin: str, statement: Statement, party: str | None) -> dict[str, str]:
    """Return who says it, from the event if it has the same origin, else as the origin is registered."""
    if origin == statement.source.origin:
        by = statement.asserted_by.model_dump(exclude_none=True)
        # The organ belongs to the party of the event.
        return by if party is None else {"channel": by["channel"]}
    for source in asked.items("/v1/sources"):
        for registered in source["origins"]:
            if registered["origin"] == origin:
                return {"party": registered["party"], "channel": registered["channel"]}
    return {}


def _registered(type: str, source: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"stream": f"source/{source}", "type": type, **_given(fields)}


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
