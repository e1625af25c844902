"""Evidence: one more document, or one more voice, that says the same as an event on record; in one command."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from service.cli.amending import DryRun, Event, Relation, amend
from service.cli.client import service
from service.cli.options import AsJson, Url
from service.cli.streams import history, named, reference
from service.cli.terminal import Exit, Failed
from service.domain.assertion import Recorded, Telling
from service.domain.history import History

_PARAGRAPHS: Final = re.compile(r"[0-9]{1,6}(,[0-9]{1,6})*")


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
        told = history(asked, target.stream)
        telling = _telling(told, target)
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
        amend(asked, told, target, said, relation, before, dry_run=dry_run, as_json=as_json)


def _telling(told: History[Any], target: Recorded) -> Telling:
    """The assertion as it now reads."""
    placed = told.placed(target.id)
    said = placed.data if placed else target.data
    if not isinstance(said, Telling):
        raise Failed(f"{reference(target)} is record-keeping and asserts nothing", Exit.USAGE)
    return said


def _registered(type: str, source: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"stream": f"source/{source}", "type": type, **_given(fields)}


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
