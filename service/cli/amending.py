"""Mending the record without erasing it: corrections, retractions, and further evidence, each a report of its own.

The idempotency key follows from what is said, so the same command twice is recorded once.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from service import marked
from service.cli import terminal
from service.cli.client import Refused, Service, service
from service.cli.filing import file_report, show_filed
from service.cli.options import AsJson, Url
from service.cli.streams import history, named, reference
from service.cli.terminal import Exit, Failed
from service.domain.assertion import EvidenceAdded, Recorded, Telling
from service.domain.history import History
from service.domain.streams import parse_stream
from service.reportschema import ANYTHING, Field, plain, takes
from service.store.codec import canonical

Event = Annotated[str, typer.Argument(help="An event: its id, or as `history` names it, such as ru-us/visas@7.")]
Reason = Annotated[str, typer.Option(help="Why, in a line; it stands in the history for good.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what it would change.")]
Relation = Annotated[
    str | None, typer.Option(help="For a source, which belongs to none: the relation to file it under.")
]
_PARAGRAPHS: Final = re.compile(r"[0-9]{1,6}(,[0-9]{1,6})*")


def correct_command(
    event: Event,
    *,
    changes: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="FIELD=VALUE",
            help="A field as it should have read, such as asserted_by.person=…; may be given again.",
        ),
    ],
    reason: Reason,
    relation: Relation = None,
    dry_run: DryRun = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Correct an event: everything reads as if it had always been so, except what was known before.

    `null` takes an optional field away. No correction is a regression.
    """
    with service(url) as asked:
        target = named(asked, event)
        patch = _patch(changes, target)
        said = {"type": "AssertionCorrected", "changes": patch, "reason": reason}
        _amend(asked, target, said, relation, dry_run=dry_run, as_json=as_json)


def retract_command(
    event: Event,
    *,
    reason: Reason,
    relation: Relation = None,
    dry_run: DryRun = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Strike an event: everything reads as if it had never been filed, except what was known before.

    A retraction can itself be retracted; what it struck then stands again.
    """
    with service(url) as asked:
        target = named(asked, event)
        told = history(asked, target.stream, {})
        for warning in _warnings(told, target):
            terminal.note(Text(warning, "yellow"))
        said = {"type": "AssertionRetracted", "reason": reason}
        _amend(asked, target, said, relation, dry_run=dry_run, as_json=as_json)


def evidence_command(
    event: Event,
    *,
    source: Annotated[str, typer.Option(help="The document, by its slug.")],
    paragraphs: Annotated[str, typer.Option(metavar="N[,N…]", help="Its lines that say so, blank ones not counted.")],
    origin: Annotated[str | None, typer.Option(help="The utterance; without one, that of the event.")] = None,
    summary: Annotated[str | None, typer.Option(help="In your own words; without one, those of the event.")] = None,
    wording: Annotated[str | None, typer.Option(help="The side's own word for it.")] = None,
    party: Annotated[str | None, typer.Option(help="Who says so: needed where the origin is not the event's.")] = None,
    channel: Annotated[str | None, typer.Option(help="quote, paraphrase, attributed or outlet.")] = None,
    organ: Annotated[str | None, typer.Option(help="Such as a ministry.")] = None,
    person: Annotated[str | None, typer.Option(help="Who spoke.")] = None,
    publisher: Annotated[str | None, typer.Option(help="Registers the document: who published it.")] = None,
    count: Annotated[int | None, typer.Option("--count", help="… how many lines that are not blank it has.")] = None,
    web: Annotated[str | None, typer.Option("--address", help="… where it is on the web.")] = None,
    published: Annotated[str | None, typer.Option(help="… when it was published (EDTF).")] = None,
    language: Annotated[str | None, typer.Option(help="… in which language, such as en.")] = None,
    speaker: Annotated[str | None, typer.Option(help="Registers the origin under the document: who spoke.")] = None,
    relation: Relation = None,
    dry_run: DryRun = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Add a document, or another voice, that says the same as an event.

    One more relay of a known origin changes no basis; a new origin by the other side does.
    """
    if not _PARAGRAPHS.fullmatch(paragraphs):
        raise Failed(f"--paragraphs takes numbers such as 3,4, and {paragraphs} is none", Exit.USAGE)
    with service(url) as asked:
        target = named(asked, event)
        telling = _telling(asked, target)
        cited = origin or telling.source.origin
        by = telling.asserted_by if cited == telling.source.origin else None
        asserted_by = {
            "party": party or (by.party if by else None),
            "channel": channel or (by.channel if by else None),
            "organ": organ or (by.organ if by and not party else None),
            "person": person or (by.person if by and not party else None),
        }
        if not asserted_by["party"] or not asserted_by["channel"]:
            raise Failed(
                f"{cited} is not the origin of {event}: say whose it is with --party and --channel", Exit.USAGE
            )
        said = {
            "type": "EvidenceAdded",
            "asserted_by": _given(asserted_by),
            "source": {"document": source, "paragraphs": [int(n) for n in paragraphs.split(",")], "origin": cited},
            "summary": summary or telling.summary,
            **_given({"wording": wording}),
        }
        document = {
            "publisher": publisher,
            "paragraphs": count,
            "address": web,
            "published": published,
            "language": language,
        }
        spoken = {"origin": cited, "speaker": speaker, "party": asserted_by["party"], "channel": asserted_by["channel"]}
        before = [_registered("SourceRegistered", source, document)] if publisher else []
        before += [_registered("OriginRegistered", source, spoken)] if speaker else []
        _amend(asked, target, said, relation, before, dry_run=dry_run, as_json=as_json)


def _amend(
    asked: Service,
    target: Recorded,
    said: Mapping[str, Any],
    relation: str | None,
    before: list[dict[str, Any]] | None = None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    event = {"stream": target.stream, **said, "target": target.id}
    body = {
        "relation": relation or _relation_of(asked, target),
        "title": f"{_TITLES[said['type']]} {reference(target)}",
        "events": [*(before or ()), event],
    }
    key = f"{said['type']}-{sha256(canonical(body).encode()).hexdigest()[:32]}"
    try:
        filed = file_report(asked, body, key, dry_run=dry_run)
    except Refused as refused:
        raise _told(refused) from refused
    if as_json:
        terminal.show_json({"key": key, "replayed": filed.replayed, "dry_run": dry_run, **filed.answer})
    else:
        show_filed(filed, body, dry_run=dry_run)


_TITLES: Final = {
    "AssertionCorrected": "Correction of",
    "AssertionRetracted": "Retraction of",
    "EvidenceAdded": "Evidence of",
}


def _told(refused: Refused) -> Failed:
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
    known = [str(relation["id"]) for relation in asked.items("/v1/relations")]
    if len(known) != 1:
        raise Failed(f"{target.stream} is of no relation: name one with --relation, of {', '.join(known)}", Exit.USAGE)
    return known[0]


def _patch(changes: list[str], target: Recorded) -> dict[str, Any]:
    """The merge patch of `a.b=value`; what a value is, is said by the field that takes it."""
    patch: dict[str, Any] = {}
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals or not path:
            raise Failed(f"--set takes FIELD=VALUE, and {change} is none", Exit.USAGE)
        *outer, last = path.split(".")
        field, inner = takes(target.type), patch
        for name in outer:
            field, inner = field.fields.get(name, ANYTHING), inner.setdefault(name, {})
        inner[last] = _value(field.fields.get(last, ANYTHING), text)
    return patch


def _value(field: Field, text: str) -> Any:
    if text == "null":
        return None
    if "string" in field.types:
        return text
    try:
        found = marked.read(text)
    except marked.Unreadable as error:
        raise Failed(f"{text} cannot be read: {error.mistake.detail}", Exit.USAGE) from error
    return plain(found.root, field, found)


def _warnings(told: History[Any], target: Recorded) -> list[str]:
    """What an operator should know before striking an assertion that others rest on."""
    falls = [e for e in told.events if isinstance(e.data, EvidenceAdded) and e.data.target == target.id]
    standing = [e for e in falls if told.placed(e.id) is not None]
    if not standing:
        return []
    named = "; ".join(f"{reference(e)} ({_voice(e)}, {_origin(e)})" for e in standing)
    return [f"Evidence of it falls with it: {named}. What of that stands by itself, file as an assertion of its own."]


def _voice(event: Recorded) -> str:
    assert isinstance(event.data, Telling)
    return event.data.asserted_by.party


def _origin(event: Recorded) -> str:
    assert isinstance(event.data, Telling)
    return event.data.source.origin


def _telling(asked: Service, target: Recorded) -> Telling:
    """The assertion as it now reads."""
    placed = history(asked, target.stream, {}).placed(target.id)
    said = placed.data if placed else target.data
    if not isinstance(said, Telling):
        raise Failed(f"{reference(target)} is record-keeping and asserts nothing", Exit.USAGE)
    return said


def _registered(type: str, source: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"stream": f"source/{source}", "type": type, **_given(fields)}


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
