"""`irritants new`: begin a relation, an irritant, a person, an organisation or a round by its title or name.

Each command files the event that opens it, prints its id, and names the next command. The id is derived from the title.
A round begins with what was said of it, so its command writes a report file to fill in.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from service.cli import options, terminal
from service.cli.client import Service, ServiceProblem, connect
from service.cli.commands import Command, Group
from service.cli.corrections import file_and_show
from service.cli.files import write_new
from service.cli.options import AsJson, Url, shown
from service.cli.streams import only_relation, read_history
from service.cli.template import template
from service.cli.terminal import Exit, Failed
from service.domain.streams import relation_meant
from service.openings import NotARelation, relation_between, title_of_relation
from service.openings.actors import UnknownActor, code_or_error
from service.openings.slugs import slug_of, unused

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    help="Begin a relation, an irritant, a round, an organisation or a person by its title.",
)
Relation = Annotated[str, typer.Argument(help="The relation, such as dz-fr.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be recorded, and file nothing.")]
Also = Annotated[list[str] | None, typer.Option("--also", metavar="NAME", help="Another spelling. Repeat for several.")]
_NO_WORDS: Final = 'no id can be made of "{title}"; use a title with words'


@app.command(
    "relation",
    cls=Command,
    epilog=options.examples("irritants new relation FR DZ", "irritants new relation France Algeria --dry-run"),
)
def relation_command(
    one: Annotated[str, typer.Argument(metavar="STATE", help="A party, by its code or name: FR or France.")],
    other: Annotated[str, typer.Argument(metavar="STATE", help="The other party.")],
    *,
    title: Annotated[str | None, typer.Option(help="Title. Default: the names of both.")] = None,
    dry_run: DryRun = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Begin to track the talks of two states. The order of the two does not matter."""
    try:
        relation = relation_between(code_or_error(one), code_or_error(other))
    except (NotARelation, UnknownActor) as error:
        raise Failed(str(error), Exit.USAGE) from error
    named = title or title_of_relation(relation)
    parties = relation.upper().split("-")
    event = {"stream": f"relation/{relation}", "type": "RelationOpened", "parties": parties, "title": named}
    with connect(url) as service:
        _file(service, relation, named, event, dry_run=dry_run, as_json=as_json)
    _next(relation, f'irritants new irritant {relation} "TITLE"', dry_run=dry_run, as_json=as_json)


@app.command(
    "irritant",
    cls=Command,
    epilog=options.examples('irritants new irritant dz-fr "Consular staff" --category consular'),
)
def irritant_command(
    relation: Relation,
    title: Annotated[str, typer.Argument(help="Title, as the board shows it.")],
    *,
    category: Annotated[str, typer.Option(help="Group, such as visas or property.")] = "other",
    dry_run: DryRun = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Begin to track an irritant. Its status is then what the sides say in reports."""
    with connect(url) as service:
        relation = _on_record(service, relation)["id"]
        known = {i["slug"]: i["title"] for i in service.items("/v1/irritants", {"relation": relation})}
        slug = _slug_for(title, known)
        event = {"stream": f"irritant/{relation}/{slug}", "type": "IrritantOpened", "title": title}
        event["category"] = slug_of(category) or category
        _file(service, relation, title, event, dry_run=dry_run, as_json=as_json)
    _next(f"{relation}/{slug}", f"irritants report --template {relation} FILE", dry_run=dry_run, as_json=as_json)


@app.command("person", cls=Command, epilog=options.examples('irritants new person dz-fr "A. Name" --role Ambassador'))
def person_command(
    relation: Relation,
    name: Annotated[str, typer.Argument(help="Name, as documents spell it.")],
    *,
    role: Annotated[str, typer.Option(help="Role that the documents give, such as Ambassador to France.")],
    also: Also = None,
    dry_run: DryRun = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Record a person who speaks in the talks, with every spelling of the name."""
    with connect(url) as service:
        relation = _on_record(service, relation)["id"]
        persons: Mapping[str, Any] = read_history(service, f"relation/{relation}").state.persons
        slug = _slug_for(name, {person.person: person.names[0] for person in persons.values()})
        named = {"person": slug, "names": [name, *(also or ())], "role": role}
        event = {"stream": f"relation/{relation}", "type": "PersonNamed", **named}
        _file(service, relation, name, event, dry_run=dry_run, as_json=as_json)
    _next(slug, f"irritants status {relation}", dry_run=dry_run, as_json=as_json)


@app.command(
    "organisation",
    cls=Command,
    epilog=options.examples('irritants new organisation "the African Union" --relation dz-fr --also AU'),
)
def organisation_command(
    name: Annotated[str, typer.Argument(help="Name, as it stands within a sentence: the African Union.")],
    *,
    also: Also = None,
    relation: Annotated[str | None, typer.Option(help="The relation to file it under. Default: the only one.")] = None,
    dry_run: DryRun = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Register an organisation, so that it can speak, own a step and be named in every relation."""
    slug = slug_of(name.removeprefix("the ").removeprefix("The "))
    if not slug:
        raise Failed(_NO_WORDS.format(title=name), Exit.USAGE)
    with connect(url) as service:
        filed_under = relation or only_relation(service, "an organisation is filed under a relation; add --relation")
        named = {"actor": slug, "kind": "organisation", "names": [name, *(also or ())]}
        event = {"stream": f"actor/{slug}", "type": "ActorRegistered", **named}
        _file(service, filed_under, name, event, dry_run=dry_run, as_json=as_json)
    _next(slug, f"irritants report --template {filed_under} FILE", dry_run=dry_run, as_json=as_json)


@app.command(
    "round", cls=Command, epilog=options.examples('irritants new round dz-fr "Consultations in Algiers" algiers.yaml')
)
def round_command(
    relation: Relation,
    title: Annotated[str, typer.Argument(help="Title of the round, such as Consultations in Algiers.")],
    file: Annotated[Path | None, typer.Argument(help="The report file to write. Default: print it.")] = None,
    *,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Write a report file to fill in on a new round. A round begins with what was said of it, so nothing is filed.

    With --json, the id and the text of the file are printed as JSON, and no file is written.
    """
    if as_json and file is not None:
        raise Failed("--json prints to standard output; leave out the file", Exit.USAGE)
    with connect(url) as service:
        relation = relation_meant(relation) or relation
        known = {round["slug"]: round["name"] for round in service.items("/v1/rounds", {"relation": relation})}
        slug = _slug_for(title, known)
        if slug in known:
            raise Failed(f"the round {relation}/{slug}, {known[slug]}, is on record; give the new round another title")
        text = template(service, f"{relation}/{slug}", None if file is None else shown(file), title)
    if as_json:
        terminal.show_json({"id": f"{relation}/{slug}", "report": text})
    elif made := write_new(text, file):
        terminal.note(f"{relation}/{slug} begins in {shown(made)}. Fill it in.")
        terminal.note(f"Next: irritants report {shown(made)} --dry-run")


def _on_record(service: Service, relation: str) -> dict[str, Any]:
    """Return the document of a relation. Raises Failed, which names the command to open it."""
    meant = relation_meant(relation) or relation
    try:
        found: dict[str, Any] = service.read(f"/v1/relations/{meant}")
    except ServiceProblem as refused:
        if refused.status != 404:
            raise
        opening = f"irritants new relation {' '.join(meant.upper().split('-'))}"
        raise Failed(f"the relation {meant} is not on record; open it first: {opening}", Exit.NOT_FOUND) from refused
    return found


def _slug_for(title: str, known: Mapping[str, str]) -> str:
    """Return the slug for a title: the slug of the known thing with this title, or else a slug that is not in use.

    `known` has titles by slug. Raises Failed if the title has no words.
    """
    if not (slug := slug_of(title)):
        raise Failed(_NO_WORDS.format(title=title), Exit.USAGE)
    same: Sequence[str] = [known_slug for known_slug, other in known.items() if other.casefold() == title.casefold()]
    return same[0] if same else unused(slug, known)


def _file(service: Service, relation: str, title: str, event: dict[str, Any], *, dry_run: bool, as_json: bool) -> None:
    """File a report with this one event. Its state is None, so it is recorded once. Raises Failed."""
    body = {"relation": relation, "title": f"{_TITLES[event['type']]}: {title}", "events": [event]}
    file_and_show(service, body, event["type"], None, dry_run=dry_run, as_json=as_json)


_TITLES: Final = {
    "RelationOpened": "New relation",
    "IrritantOpened": "New irritant",
    "PersonNamed": "New person",
    "ActorRegistered": "New organisation",
}


def _next(id: str, command: str, *, dry_run: bool, as_json: bool) -> None:
    """Print the id of the new thing, and the next command."""
    if not as_json:
        terminal.show(f"Its id {'would be' if dry_run else 'is'} {id}.")
        terminal.note("Next: the same command without --dry-run" if dry_run else f"Next: {command}")
