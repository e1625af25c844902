"""Evidence: one more document, or one more voice, that says the same as an event on record; in one command."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from service.cli.client import Service, service
from service.cli.corrections import DryRun, Event, Relation, amend
from service.cli.options import AsJson, Url
from service.cli.streams import history, named, reference
from service.cli.terminal import Exit, Failed
from service.domain.assertion import Recorded, Statement
from service.domain.history import History

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
        target = named(asked, event)
        told = history(asked, target.stream)
        statement = _statement(told, target)
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
        amend(asked, told, target, said, relation, before, dry_run=dry_run, as_json=as_json)


def _statement(told: History[Any], target: Recorded) -> Statement:
    """The assertion as it now reads."""
    placed = told.placed(target.id)
    said = placed.data if placed else target.data
    if not isinstance(said, Statement):
        raise Failed(f"{reference(target)} is no assertion, so it has no evidence; name an assertion", Exit.USAGE)
    return said


def _known_speaker(asked: Service, origin: str, statement: Statement, party: str | None) -> dict[str, str]:
    """Who speaks by what is known of the origin: as in the event that has the same, or as it is registered."""
    if origin == statement.source.origin:
        by = statement.asserted_by.model_dump(exclude_none=True)
        # Another party does not speak through this one's organ.
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
