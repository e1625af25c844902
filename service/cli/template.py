"""The file that `irritants report --template` writes on a round or a relation, with every open irritant.

A relation that is not on record has a template too, which begins with the events that open it.

Events are commented out, and texts to fill in are in <angle brackets>. Filing lists each bracket that is left as a
mistake with its line.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, get_args, get_origin

import yaml

from service.cli import drawing
from service.cli.client import Service, ServiceProblem
from service.cli.streams import read_history, reference
from service.cli.terminal import Exit, Failed
from service.domain.catalogue import EVENT_TYPES, KINDS, ON_ANY_STREAM, Kind
from service.domain.countries import parties_of
from service.domain.history import History
from service.domain.irritant.undertakings import agreements, offers
from service.domain.report import escaped
from service.domain.streams import id_remedy, parse_stream
from service.openings import title_of_relation

_HEAD: Final = """\
# Report on {subject}. The record ended at position {position}.
#
# Remove the `# ` in front of what was said, leave or delete the rest, and fill in the text in <angle brackets>.
# Dates are EDTF: 2025-04-10, 2025-04 (some day in it), "[2025-04-10..]" (that day or later), "[..2025-04-10]".
# Leave out a date that is not known.
# Then run: irritants report {file} --dry-run

relation: {relation}
{round_line}title: {title}
# Who may read it, if not everyone: a handling label. An event can have its own `handling`, too.
# handling: <restricted, or another label of the record>

# The versions when this file was written. If one has changed, the report is refused, and the new events are listed.
expect:
{expect}

# Register a document once, and each origin (the statement that it relays) once: two documents that relay one interview
# have one origin. Cite what is on record without registering it again.
sources:
  - slug: <document>
    publisher: <who published it>
    paragraphs: <how many lines that are not blank>
    # address: https://…
    # published: <date>
    # language: en
    origins:
      - origin: <origin>
        speaker: <who spoke>
        party: <{one}, {other}, JOINT, MEDIA or a third party>
        channel: <quote, paraphrase, attributed or outlet>

# Defaults for every assertion below.
defaults:
  asserted_by:
    party: <{one}, {other}, JOINT, MEDIA or a third party>
    # organ: <such as a ministry>
    # person: <name>
    channel: <quote, paraphrase, attributed or outlet>
  source:
    document: <document>
    paragraphs: [<number>]
    origin: <origin>
  occurred: <date>

events:
"""

_ROUND: Final = """\
  # The round itself, {phase}.
{begin}  # - stream: {stream}
  #   type: DelegationHeadNamed
  #   party: <{one} or {other}>
  #   person: <name>
  #   role: <role>
  #   summary: <in your own words>
  # - stream: {stream}
  #   type: RoundCharacterised
  #   summary: <in your own words>
  #   wording: <their own word for it>
  # - stream: {stream}
  #   type: RoundConcluded
  #   hours: <whole hours, or leave it out>
  #   qualifier: <exact, at_least or about>
  #   summary: <in your own words>
  # A report on this round that was filed without it, or on another round. `irritants get reports` lists their ids.
  # - stream: relation
  #   type: ReportAttributed
  #   report: <id of the report>
  #   round: {round}
"""

OPENING: Final = """\
  # The relation is not on record. These events open it, and its first irritant.
  - stream: relation
    type: RelationOpened
    parties: [{one}, {other}]
    title: {title}
  - stream: irritant/<name of the irritant in small letters and hyphens, such as consular-staff>
    type: IrritantOpened
    title: <title of the irritant, such as Consular staff>
    category: <group of the irritant, such as visas or property>

"""
_TITLED: Final = """\
  - stream: {stream}
    type: RoundTitled
    title: {title}
    summary: <in your own words>
"""
_UNFILLED: Final = re.compile(r"<[^<>]+>\Z")
_CONVENED: Final = """\
  - stream: {stream}
    type: RoundConvened
    place: <place>
    summary: <in your own words>
"""
_PHASES_BEFORE_MEETING: Final = frozenset({"none", "announced", "scheduled", "postponed"})

_IRRITANT: Final = """
  # {title}: claimed {status}, confirmed {confirmed_status}, reported {reported_status};
  # {basis}; awaiting {awaiting}.
  # - stream: {stream}
  #   type: <DiscussionReported, UnderstandingReported, InstrumentExchanged, ImplementationReported, …>
  #   summary: <in your own words>
  #   wording: <their own word for it>
"""

_STEP: Final = """\
  # Open next step: {action} ({owner}).
  # - stream: {stream}
  #   type: NextStepClosed
  #   step: {step}
  #   outcome: <done, lapsed or dropped>
  #   summary: <in your own words>
"""

_PROPOSAL: Final = """\
  # Open proposal: {terms} ({kind}, to {addressee}).
  # - stream: {stream}
  #   type: ProposalAnswered
  #   proposal: {reference}
  #   answer: <accepted, rejected, deferred or countered>
  #   summary: <in your own words>
"""


def template(service: Service, id: str, file: str | None, titled: str | None = None) -> str:
    """Return the text of the file on a round or a relation. `file` is its name, for the instructions in it.

    `titled` is the title of a new round. Raises Failed for an invalid id, and ServiceProblem.
    """
    if (name := parse_stream(f"relation/{id}") or parse_stream(f"round/{id}")) is None or name.relation is None:
        raise Failed(
            f'invalid --template "{id}"; {id_remedy(id, "use an id such as ru-us/istanbul-april, or ru-us")}',
            Exit.USAGE,
        )
    relation = relation_or_new(service, name.relation)
    irritants = list(service.items("/v1/irritants", {"relation": name.relation, "lifecycle": "open"}))
    one, other = relation["parties"]
    values = {"one": one, "other": other, "relation": name.relation, "round": id}
    values["stream"] = f"round/{name.slug or '<round>'}"
    is_round = bool(name.slug)
    subject = f"the round {id}" if is_round else relation["title"]
    versions = "\n".join(f"  irritant/{i['slug']}: {i['version']}" for i in irritants) or "  {}"
    head = _HEAD.format(
        **values,
        file=file or "FILE",
        subject=titled or subject,
        round_line=f"round: {id}\n" if is_round else "",
        title=in_yaml(f"Readouts of {titled or 'the round ' + name.slug}") if is_round else "<title of this report>",
        position=max([relation["position"], *(i["position"] for i in irritants)]),
        expect=versions,
    )
    parts = [head]
    if not relation["position"]:
        parts.append(OPENING.format(**values, title=relation["title"]))
    if is_round:
        parts.append(_round(service, values, titled))
    parts += [_irritant(service, irritant) for irritant in irritants]
    return "".join([*parts, *_catalogue(values)])


def relation_or_new(service: Service, id: str) -> Mapping[str, Any]:
    """Return the document of a relation. One that is not on record has the position 0."""
    try:
        found: Mapping[str, Any] = service.read(f"/v1/relations/{id}")
    except ServiceProblem as refused:
        if refused.status != 404:
            raise
        return {"parties": parties_of(id), "title": title_of_relation(id), "position": 0}
    return found


def in_yaml(text: str) -> str:
    """Return a text in quotes, as YAML that is also JSON."""
    return yaml.safe_dump(text, allow_unicode=True, default_style='"', width=10_000).strip()


_CATALOGUE: Final = """
  # Every other type of event. Copy what you need. Fields marked optional can be left out.
"""
_STREAMS: Final[Mapping[Kind, str]] = {
    "irritant": "irritant/<irritant>",
    "round": "{stream}",
    "relation": "relation",
    "source": "source/<document>",
    "actor": "actor/<code or slug>",
}
_COMMON: Final = frozenset({"type", "asserted_by", "source", "occurred", "occurred_basis", "inference"})
"""Fields that are not shown for each type. `defaults` has the values of most."""


def _catalogue(values: Mapping[str, str]) -> Iterator[str]:
    """Yield an entry for each type of event, commented out. `values` fill the names in braces, such as {stream}."""
    yield _CATALOGUE
    for kind, types in KINDS.items():
        for type in (
            name for name in EVENT_TYPES if name in types and (kind == "irritant" or name not in ON_ANY_STREAM)
        ):
            yield f"  # - stream: {_STREAMS[kind].format(**values)}\n  #   type: {type}\n"
            for name, field in EVENT_TYPES[type].model_fields.items():
                if name not in _COMMON:
                    value = value_of(field.annotation, (field.alias or name).replace("_", " "))
                    yield f"  #   {field.alias or name}: <{'' if field.is_required() else 'optional, '}{value}>\n"


def value_of(annotation: object, otherwise: str) -> str:
    """Return the choices of a field, or another text if it takes more than a few words."""
    for option in (annotation, *get_args(annotation)):
        if get_origin(option) is Literal:
            *others, last = map(str, get_args(option))
            return f"{', '.join(others)} or {last}" if others else last
    return "true or false" if annotation is bool else otherwise


def _round(service: Service, values: Mapping[str, str], titled: str | None) -> str:
    """Return the entries on the round itself. One that has not met yet begins with its opening."""
    begin, phase = _CONVENED.format(**values), "not on record so far"
    if titled:
        begin += _TITLED.format(**values, title=in_yaml(titled))
    try:
        round = service.read(f"/v1/rounds/{values['round']}")
    except ServiceProblem as refused:
        if refused.status != 404:
            raise
    else:
        phase = f"{round['phase']} so far"
        begin = begin if round["phase"] in _PHASES_BEFORE_MEETING else ""
    return _ROUND.format(**values, phase=phase, begin=begin)


def _irritant(service: Service, irritant: Mapping[str, Any]) -> str:
    """Return the entries on one irritant, with its open next steps and proposals."""
    stream = f"irritant/{irritant['slug']}"
    history = read_history(service, f"irritant/{irritant['id']}")
    standing = {**{name: drawing.in_words(value) for name, value in irritant.items()}, "stream": stream}
    names = irritant.get("names", drawing.NO_NAMES)
    standing |= {"basis": drawing.basis(irritant, names), "awaiting": drawing.within([irritant["awaiting"]], names)}
    return "".join([_IRRITANT.format(**standing), *_undertakings(history, stream)])


def _undertakings(history: History[Any], stream: str) -> Iterator[str]:
    """Yield entries for the open next steps and proposals."""
    for step in agreements(history.state):
        if step.open:
            yield _STEP.format(stream=stream, step=step.step, action=step.last.data.action, owner=step.terms.owner)
    for proposal in (offer.proposal for offer in offers(history.state) if offer.awaited):
        tabled = history.recorded(proposal.root)
        assert tabled is not None
        yield _PROPOSAL.format(
            stream=stream,
            terms=proposal.data.terms,
            kind=proposal.data.kind,
            addressee=proposal.data.addressee,
            reference=f"irritant/{reference(tabled)}",
        )


def unfilled(value: object, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Yield the JSON Pointer of each text that is not filled in, with an error message."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from unfilled(part, f"{pointer}/{escaped(name)}")
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from unfilled(part, f"{pointer}/{index}")
    elif isinstance(value, str) and (blank := _UNFILLED.search(value)):
        yield pointer, f"fill in {blank[0]}"
