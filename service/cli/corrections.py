"""`irritants correct`, `retract`, `handling` and `evidence`. Each files a report of its own, and nothing is erased.

The idempotency key is a hash of the report and of the retracted corrections of the same event. So a repeated command is
recorded once. After the correction was retracted, the same command files it again.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from service import source_positions
from service.cli import terminal, touched
from service.cli.client import NO_PARAMETERS, Service, ServiceProblem, connect
from service.cli.filing import file_report, show_filed
from service.cli.options import AsJson, Url
from service.cli.streams import find, find_event, only_relation, read_history, reference
from service.cli.terminal import Exit, Failed
from service.domain.assertion import Recorded, Statement
from service.domain.catalogue import dump
from service.domain.history import History
from service.domain.mistakes import without_field
from service.domain.paragraphs import numbers_in
from service.domain.streams import parse_stream
from service.projections.words.consequences import falls_with
from service.reportfile.schema import ANYTHING, Field, fields_of, json_value
from service.store.codec import canonical

_EVENT_OR_CHANGES: Final = re.compile(r"^/events/\d+(?:/changes)?")
"""How the pointer to a field begins, in an event or in a correction."""
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
            help="Correct value of a field, such as asserted_by.person=…. Repeat for several fields.",
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
    with connect(url) as service:
        target = find_event(service, event)
        history = read_history(service, target.stream)
        amendment = {"type": "AssertionCorrected", "changes": _patch(changes, target), "reason": reason}
        amend(service, history, target, amendment, relation, dry_run=dry_run, as_json=as_json)


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
    with connect(url) as service:
        target = find_event(service, event)
        history = read_history(service, target.stream)
        for warning in _warnings(history, target):
            terminal.note(Text(warning, "yellow"))
        amendment = {"type": "AssertionRetracted", "reason": reason}
        amend(service, history, target, amendment, relation, dry_run=dry_run, as_json=as_json)


def handling_command(
    event: Event,
    label: Annotated[str, typer.Argument(help="The new handling label, such as open or restricted.")],
    *,
    reason: Reason,
    relation: Relation = None,
    dry_run: DryRun = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Change which readers may see an event. Needs a key with the scope admin.

    The new label also decides what readings of the past show. If other events depend on this one, the refusal names
    them: change their labels first.
    """
    with connect(url) as service:
        target = find_event(service, event)
        history = read_history(service, target.stream)
        amendment = {"type": "HandlingChanged", "label": label, "reason": reason}
        amend(service, history, target, amendment, relation, dry_run=dry_run, as_json=as_json)


def amend(
    service: Service,
    history: History[Any],
    target: Recorded,
    amendment: Mapping[str, Any],
    relation: str | None,
    before: list[dict[str, Any]] | None = None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """File an event that corrects, retracts or supports the target, and show what it changed.

    `before` has events to file first, such as the registration of a source.
    """
    event = {"stream": target.stream, **amendment, "target": target.id}
    body = {
        "relation": relation or _relation_of(service, target),
        "title": f"{_TITLES[amendment['type']]} {reference(target)}",
        "events": [*(before or ()), event],
    }
    # After a retraction of an earlier correction, the same correction is another report.
    retracted = [
        event.id for event in history.events if event.id in history.amendments.retracted and _target(event) == target.id
    ]
    # After a label was changed back, the same change is another report.
    relabelled = [e.id for e in history.events if e.type == "HandlingChanged" and _target(e) == target.id]
    lines = [] if as_json else _lines(service, history, target, amendment)
    state = [*retracted, *relabelled]
    file_and_show(service, body, amendment["type"], state, lines, dry_run=dry_run, as_json=as_json)


def _lines(service: Service, history: History[Any], target: Recorded, amendment: Mapping[str, Any]) -> list[Text]:
    """Return lines on the target as it reads now, and on what a correction changes."""
    effect = history.effect(target.id)
    now = replace(target, data=effect.data) if effect and not effect.is_evidence else target
    _, document = find(service, target.stream, NO_PARAMETERS)
    names = document.get("names", {})
    return [*touched.event(service, now, names), *touched.changed(dump(now.data), amendment.get("changes", {}))]


def file_and_show(
    service: Service,
    body: Mapping[str, Any],
    type: str,
    state: object,
    lines: Iterable[Text] = (),
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """File a report that a command made, and show what it changed. Raises Failed.

    It is recorded once for each `state`, which is part of the idempotency key. `lines` describe what it touches. They
    are shown first.
    """
    key = f"{type}-{sha256(canonical([body, state]).encode()).hexdigest()[:32]}"
    try:
        filed = file_report(service, body, key, dry_run=dry_run)
    except ServiceProblem as refused:
        raise _with_mistakes(refused) from refused
    if as_json:
        terminal.show_json({"key": key, "replayed": filed.replayed, "dry_run": dry_run, **filed.answer})
    else:
        terminal.show(*(() if filed.replayed else lines))
        show_filed(filed, body, dry_run=dry_run)


_TITLES: Final = {
    "AssertionCorrected": "Correction of",
    "AssertionRetracted": "Retraction of",
    "EvidenceAdded": "Evidence of",
    "HandlingChanged": "New handling label of",
}


_TWO_VALUES: Final = "--set gives {path} two values; give it one"


def _target(event: Recorded) -> str | None:
    return getattr(event.data, "target", None)


def _with_mistakes(refused: ServiceProblem) -> Failed:
    """Return the refusal with each mistake on a line."""
    errors = refused.problem.get("errors", ())
    if len(errors) == 1:
        return Failed(_with_field(errors[0]), refused.code, refused.found)
    if not errors:
        return refused
    lines = "".join(f"\n  {_with_field(error)}" for error in errors)
    return Failed(f"{refused.sentence}{lines}", refused.code, refused.found)


def _with_field(error: Mapping[str, Any]) -> str:
    """Return a mistake with its field in front as `--set` names it, such as `asserted_by.party`, if it is in one."""
    path = _EVENT_OR_CHANGES.sub("", error.get("pointer") or "").split("/")[1:]
    return f"{'.'.join(path)}: {without_field(error['detail'], path)}" if path else str(error["detail"])


def _relation_of(service: Service, target: Recorded) -> str:
    """Return the relation to file a correction under: that of the event, or the only one on record. Raises Failed."""
    name = parse_stream(target.stream)
    if name is not None and name.relation is not None:
        return name.relation
    return only_relation(service, f"{target.stream} belongs to no relation; name one with --relation")


def _patch(changes: list[str], target: Recorded) -> dict[str, Any]:
    """Return the merge patch for texts such as `source.paragraphs=[2,3]`. The field decides the type of the value."""
    patch: dict[str, Any] = {}
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals or not path:
            raise Failed(f'invalid --set "{change}"; use FIELD=VALUE, such as occurred=2025-04-11', Exit.USAGE)
        *outer, last = path.split(".")
        field, inner = fields_of(target.type), patch
        for name in outer:
            field, inner = field.fields.get(name, ANYTHING), inner.setdefault(name, {})
            if not isinstance(inner, dict):
                raise Failed(_TWO_VALUES.format(path=path), Exit.USAGE)
        if last in inner:
            raise Failed(_TWO_VALUES.format(path=path), Exit.USAGE)
        inner[last] = _value(field.fields.get(last, ANYTHING), text)
    return patch


def _value(field: Field, text: str) -> Any:
    """Return the value of a field from the text of `--set`. Raises Failed if the text cannot be read."""
    if text == "null":
        return None
    if "string" in field.types:
        return text
    try:
        tree = source_positions.read(text)
    except source_positions.UnreadableText as error:
        raise Failed(f"{text} cannot be read: {error.mistake.detail}", Exit.USAGE) from error
    return json_value(tree.root, field, tree)


def _warnings(history: History[Any], target: Recorded) -> list[str]:
    """Return a warning if other events lose their effect with the target."""
    dependent = falls_with(history, target.id)
    if not dependent:
        return []
    names = "; ".join(f"{reference(event)} ({_party(event)}, {_origin(event)})" for event in dependent)
    return [
        f"Its evidence loses its effect too: {names}. If part of it stands on its own, file that as a new assertion."
    ]


def _party(event: Recorded) -> str:
    assert isinstance(event.data, Statement)
    return event.data.asserted_by.party


def _origin(event: Recorded) -> str:
    assert isinstance(event.data, Statement)
    return event.data.source.origin


def evidence_command(
    event: Event,
    *,
    source: Annotated[str, typer.Option(help="Slug of the document.")],
    paragraphs: Annotated[
        str,
        typer.Option(
            metavar="N[,N…]", help="The paragraphs that say it, such as 3,4 or 3-5. Blank lines do not count."
        ),
    ],
    origin: Annotated[str | None, typer.Option(help="The origin. Default: that of the event.")] = None,
    summary: Annotated[str | None, typer.Option(help="What it says, in your words. Default: as in the event.")] = None,
    wording: Annotated[str | None, typer.Option(help="The side's own word for it.")] = None,
    party: Annotated[str | None, typer.Option(help="Who says it. Required for a new origin.")] = None,
    channel: Annotated[str | None, typer.Option(help="quote, paraphrase, attributed or outlet.")] = None,
    organ: Annotated[str | None, typer.Option(help="Institution, such as a ministry.")] = None,
    person: Annotated[str | None, typer.Option(help="Who spoke.")] = None,
    publisher: Annotated[str | None, typer.Option(help="Publisher of the document. Registers the document.")] = None,
    count: Annotated[int | None, typer.Option("--count", help="With --publisher: its number of paragraphs.")] = None,
    web: Annotated[str | None, typer.Option("--address", help="With --publisher: its address on the web.")] = None,
    published: Annotated[str | None, typer.Option(help="With --publisher: its date (EDTF).")] = None,
    language: Annotated[str | None, typer.Option(help="With --publisher: its language, such as en.")] = None,
    speaker: Annotated[str | None, typer.Option(help="Who spoke. Registers the origin with the document.")] = None,
    relation: Relation = None,
    dry_run: DryRun = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Add a document or a speaker that says the same as an event.

    A document that relays a known origin does not change the basis. A new origin by the other side does.
    """
    cited_paragraphs = numbers_in(paragraphs)
    if not cited_paragraphs or not all(isinstance(number, int) for number in cited_paragraphs):
        raise Failed(f'invalid --paragraphs "{paragraphs}"; use numbers and ranges, such as 3,4 or 3-5', Exit.USAGE)
    with connect(url) as service:
        target = find_event(service, event)
        history = read_history(service, target.stream)
        statement = _statement(history, target)
        cited = origin or statement.source.origin
        named = {"party": party, "channel": channel, "organ": organ, "person": person}
        asserted_by = {**_known_speaker(service, cited, statement, party), **_given(named)}
        if not asserted_by.keys() >= {"party", "channel"}:
            raise Failed(
                f"the origin {cited} is not registered; if it is new, name who says it with --party and --channel, and"
                " register it with --speaker. `irritants get sources` lists the origins on record",
                Exit.USAGE,
            )
        amendment = {
            "type": "EvidenceAdded",
            "asserted_by": asserted_by,
            "source": {"document": source, "paragraphs": cited_paragraphs, "origin": cited},
            "summary": summary or statement.summary,
            **_given({"wording": wording}),
        }
        document = {"publisher": publisher, "paragraphs": count, "address": web}
        document |= {"published": published, "language": language}
        voice = {"origin": cited, "speaker": speaker, "party": asserted_by["party"], "channel": asserted_by["channel"]}
        before = [_registration("SourceRegistered", source, document)] if publisher else []
        before += [_registration("OriginRegistered", source, voice)] if speaker else []
        amend(service, history, target, amendment, relation, before, dry_run=dry_run, as_json=as_json)


def _statement(history: History[Any], target: Recorded) -> Statement:
    """Return the assertion as it reads now. Raises Failed if the event is not an assertion."""
    placed = history.effect(target.id)
    data = placed.data if placed else target.data
    if not isinstance(data, Statement):
        raise Failed(f"{reference(target)} is not an assertion, so it has no evidence; name an assertion", Exit.USAGE)
    return data


def _known_speaker(service: Service, origin: str, statement: Statement, party: str | None) -> dict[str, str]:
    """Return the speaker of an origin: from the event if it has that origin, else from the registered origins."""
    if origin == statement.source.origin:
        by = statement.asserted_by.model_dump(exclude_none=True)
        # Another party has another organ and person.
        return by if party is None else {"channel": by["channel"]}
    for source in service.items("/v1/sources"):
        for registered in source["origins"]:
            if registered["origin"] == origin:
                return {"party": registered["party"], "channel": registered["channel"]}
    return {}


def _registration(type: str, source: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"stream": f"source/{source}", "type": type, **_given(fields)}


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the fields that are None."""
    return {name: value for name, value in fields.items() if value is not None}
