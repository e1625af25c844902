"""The command `irritants draft`: make a report file from a readout. Paragraphs and suggestions are comments.

The file is in the format of `irritants report --template`: text in <angle brackets> must be filled in before filing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from textwrap import wrap
from typing import Annotated, Any, Final, get_args

import typer

from service.cli import terminal
from service.cli.client import Service, connect
from service.cli.files import write_new
from service.cli.options import AsJson, Url, shown
from service.cli.streams import read_history, reference
from service.cli.template import OPENING, in_yaml, relation_or_new, value_of
from service.cli.terminal import Exit, Failed
from service.domain import edtf
from service.domain.actor.names import ActorNames
from service.domain.actors import JOINT, MEDIA, is_actor
from service.domain.assertion import AssertedBy, Assertion
from service.domain.catalogue import EVENT_TYPES, KINDS
from service.domain.irritant.undertakings import offers
from service.domain.streams import id_remedy, is_relation, parse_stream, relation_meant
from service.openings.actors import code_of, nearest
from service.openings.slugs import is_slug, slug_of, unused
from service.projections.words.names import at_the_beginning, name_of
from service.readouts import MAX_BYTES, Readout, UnreadableReadout, read
from service.readouts.dates import document_date
from service.readouts.details import details
from service.readouts.suggestions import Suggestion, suggest

_LINE_WIDTH: Final = 110
EXAMPLES: Final = ("irritants draft readout.docx --relation ru-us --by US --output moscow.yaml",)
_CHANNELS: Final = get_args(AssertedBy.model_fields["channel"].annotation)


def draft_command(
    readout: Annotated[Path, typer.Argument(help="A readout: text, HTML, Word or PDF.", dir_okay=False)],
    *,
    relation: Annotated[str, typer.Option(help="The relation that it reports on, such as ru-us.")],
    round: Annotated[str | None, typer.Option(help="The round that it reports on, such as ru-us/moscow.")] = None,
    by: Annotated[
        str | None, typer.Option(metavar="PARTY", help="Whose readout it is, by code or name: US, or Russia.")
    ] = None,
    publisher: Annotated[
        str | None, typer.Option(help="Who published it. Default: as the document or the record says.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The report file to write.", dir_okay=False)
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Draft a report from a readout: its paragraphs as comments, each with suggestions to complete.

    The names of the document and of its statement are made from its publisher and date. Nothing is filed, and the text
    of the readout is not sent to the service. With --json, the paragraphs and their suggestions are printed as JSON,
    and no file is written.
    """
    if as_json and output is not None:
        raise Failed("--json prints to standard output; leave out --output", Exit.USAGE)
    document = _read_readout(readout)
    with connect(url) as service:
        draft = _ReportDraft(service, document, readout, relation, round, by, publisher)
        if as_json:
            terminal.show_json(draft.as_json())
            return
        text = draft.text(output)
    if file := write_new(text, output):
        terminal.note(f"{shown(file)} was written. Complete it, then run: irritants report {shown(file)} --dry-run")


def _read_readout(path: Path) -> Readout:
    try:
        with path.open("rb") as file:
            return read(file.read(MAX_BYTES + 1))
    except OSError as error:
        raise Failed(f"{shown(path)} cannot be read: {error.strerror}", Exit.USAGE) from error
    except UnreadableReadout as error:
        raise Failed(f"{shown(path)}: {error}", Exit.USAGE) from error


class _ReportDraft:
    """The content of a report file. `on_record`: the source on record with the SHA-256 of the readout, or None."""

    def __init__(
        self,
        service: Service,
        readout: Readout,
        path: Path,
        relation: str,
        round: str | None,
        by: str | None,
        publisher: str | None,
    ) -> None:
        id = relation_meant(relation) or relation
        if not is_relation(id):
            raise Failed(f'invalid --relation "{relation}"; use an id such as ru-us', Exit.USAGE)
        if round is not None and ((name := parse_stream(f"round/{round}")) is None or name.relation != id):
            raise Failed(f'invalid --round "{round}"; {id_remedy(round, f"use an id such as {id}/moscow")}', Exit.USAGE)
        self.service, self.readout, self.path, self.round = service, readout, path, round
        self.relation = {"id": id, **relation_or_new(service, id)}
        self.by = self._actor(by) if by else None
        self.irritants = list(service.items("/v1/irritants", {"relation": id, "lifecycle": "open"}))
        self.sources = list(service.items("/v1/sources"))
        self.on_record = next((source for source in self.sources if source["sha256"] == readout.sha256), None)
        self.published = _day(readout.published) or document_date(readout.paragraphs)
        self.publisher = publisher or readout.publisher or self._usual_publisher()
        self.document = self.on_record["id"] if self.on_record else self._new_document()

    def _actor(self, by: str) -> str:
        names = ActorNames(1, self.relation.get("names", {}))
        if (code := code_of(by, names)) is not None:
            return code
        if is_actor(by):  # an organisation that speaks in this relation for the first time
            return by
        near = nearest(by, names)
        raise Failed(
            f'invalid --by "{by}"; use the code or the name of a state such as US or Russia, JOINT, MEDIA, or the short'
            f" name of a registered organisation such as iaea{f'. The nearest: {near[0]}' if near else ''}",
            Exit.USAGE,
        )

    def _usual_publisher(self) -> str | None:
        """Return the publisher of the party's own documents on record, else the name of the party."""
        if self.by is None or self.by in (JOINT, MEDIA):
            return None
        own = [
            source
            for source in self.sources
            if source["origins"] and all(origin["party"] == self.by for origin in source["origins"])
        ]
        latest = max(own, key=lambda source: source["position"], default=None)
        return str(latest["publisher"]) if latest else at_the_beginning(name_of(self.by))

    def _new_document(self) -> str:
        """Make a slug from the publisher and the date that no source and no origin has."""
        taken = {source["id"] for source in self.sources}
        taken |= {
            origin["origin"].removesuffix(_ORIGIN_SUFFIX) for source in self.sources for origin in source["origins"]
        }
        about = f"{(self.publisher or self.path.stem).removeprefix('The ')} {self.published or ''}"
        return unused(slug_of(about) or "readout", taken)

    def text(self, output: Path | None) -> str:
        return "".join([self._header(output), *self._opening_events(), *self._paragraph_lines()])

    def as_json(self) -> dict[str, Any]:
        document = {**asdict(self.readout), "on_record": self.on_record["id"] if self.on_record else None}
        numbered = enumerate(self.readout.paragraphs, 1)
        document["paragraphs"] = [{"number": n, "text": text, **asdict(self._suggest(text))} for n, text in numbered]
        return document

    def _suggest(self, paragraph: str) -> Suggestion:
        titles = {irritant["slug"]: irritant["title"] for irritant in self.irritants}
        return suggest(paragraph, self.relation["parties"], titles, self.published)

    def _header(self, output: Path | None) -> str:
        file = "FILE" if output is None else shown(output)
        lines = [
            f"# Draft of a report from {self.path.name}, {len(self.readout.paragraphs)} paragraphs.",
            "#",
            "# Below, each paragraph is a comment, followed by suggestions. They are guesses. Remove `# ` before the",
            "# right ones, fill in the text in <angle brackets>, and leave or delete the rest. The ids of the document",
            "# and its statement are made from publisher and date: leave them, or change them in all places.",
            f"# Then run: irritants report {file} --dry-run",
            "",
            f"relation: {self.relation['id']}",
            *([f"round: {self.round}"] if self.round else ["# round: <the round that it reports on>"]),
            f"title: {in_yaml(self._title())}",
            "",
            "# The versions when this file was written. If one has changed, the report is refused.",
            "expect:",
            *([f"  irritant/{i['slug']}: {i['version']}" for i in self.irritants] or ["  {}"]),
            "",
            *self._source_lines(),
            "defaults:",
            "  asserted_by:",
            f"    party: {self._party()}",
            f"    channel: {self._channel()}",
            "  source:",
            f"    document: {self.document}",
            f"    origin: {self._origin()}",
            "",
            "events:",
            "",
        ]
        return "\n".join(lines)

    def _opening_events(self) -> Iterator[str]:
        """Yield the events that open a relation that is not on record."""
        if not self.relation["position"]:
            one, other = self.relation["parties"]
            yield OPENING.format(one=one, other=other, title=self.relation["title"])

    def _title(self) -> str:
        title = self.readout.title or self.readout.paragraphs[0]
        return title if len(title) <= 120 else f"{title[:119].rsplit(' ', 1)[0]} …"

    def _party(self) -> str:
        one, other = self.relation["parties"]
        return self.by or f"<{one}, {other}, JOINT, MEDIA or a third party>"

    def _channel(self) -> str:
        """Return the channel: `quote` in the readout of a party, and `outlet` for media."""
        if self.by is None:
            return f"<{_alternatives(_CHANNELS)}>"
        if self.by == MEDIA:
            return "outlet"
        others = [channel for channel in _CHANNELS if channel not in ("quote", "outlet")]
        return f"quote  # or {_alternatives(others)}"

    def _origin(self) -> str:
        if self.on_record is None:
            return f"{self.document}{_ORIGIN_SUFFIX}"
        origins = [origin["origin"] for origin in self.on_record["origins"]]
        return origins[0] if len(origins) == 1 else f"<{' or '.join(origins)}>" if origins else "<origin>"

    def _source_lines(self) -> Iterator[str]:
        if self.on_record:
            yield f"# The document is on record as {self.on_record['id']}: its SHA-256 is the same."
            yield ""
            return
        readout = self.readout
        is_guess = self.publisher and not readout.publisher
        yield "sources:"
        yield f"  - slug: {self.document}"
        yield f"    publisher: {self._publisher()}" + ("  # not in the document: check it" if is_guess else "")
        for name, value in (("title", self._title()), ("address", readout.address), ("language", readout.language)):
            yield f"    {name}: {in_yaml(value)}" if value else f"    # {name}: <{name}>"
        yield f"    published: {self.published.isoformat()}" if self.published else "    # published: <date>"
        yield f"    sha256: {readout.sha256}"
        yield f"    paragraphs: {len(readout.paragraphs)}"
        yield "    origins:"
        yield f"      - origin: {self._origin()}"
        yield f"        speaker: {self._publisher() if self.by else '<who spoke>'}"
        yield f"        party: {self._party()}"
        yield f"        channel: {self._channel()}"
        yield ""

    def _publisher(self) -> str:
        return in_yaml(self.publisher) if self.publisher else "<who published it>"

    def _paragraph_lines(self) -> Iterator[str]:
        for number, paragraph in enumerate(self.readout.paragraphs, 1):
            suggestion = self._suggest(paragraph)
            yield "".join(f"  # {line}\n" for line in wrap(f"[{number}] {paragraph}", _LINE_WIDTH))
            for day in suggestion.dates:
                inferred = f" ({day.inference})" if day.inference else ""
                yield f"  # Date: {paragraph[day.start : day.end]} is {day.edtf}{inferred}\n"
            if suggestion.parties:
                yield f"  # Names: {', '.join(suggestion.parties)}\n"
            # The title says nothing that the text does not say.
            for type in sorted(suggestion.types, key=_sort_key) if paragraph != self._title() else ():
                yield "".join(f"  # {line}\n" for line in self._event_lines(number, paragraph, type, suggestion))
            yield "\n"

    def _event_lines(self, number: int, paragraph: str, type: str, suggestion: Suggestion) -> Iterator[str]:
        values = {**self._due_date(suggestion), **details(type, paragraph)}
        yield f"- stream: {self._stream(type, values, suggestion)}"
        yield f"  type: {type}"
        for name, field in EVENT_TYPES[type].model_fields.items():
            if name in Assertion.model_fields or not (field.is_required() or name in values):
                continue
            written = field.alias or name
            if name == "proposal":
                yield from self._proposal_lines(suggestion)
            elif name in values:
                # In quotes, `true` would be a text.
                yield f"  {written}: {values[name] if field.annotation is bool else _plain_or_quoted(values[name])}"
            else:
                yield f"  {written}: {self._to_fill_in(name, field.annotation)}"
        yield f"  source: {{paragraphs: [{number}]}}"
        yield from self._occurred_lines(suggestion)
        yield f"  summary: {_plain_or_quoted(values['summary']) if 'summary' in values else '<in your own words>'}"

    def _due_date(self, suggestion: Suggestion) -> dict[str, str]:
        """Return the field `due` with the first date after the document, which a plan in it may mean."""
        published = self.published or date.max  # without a date, no date is known to be later
        later = (plan.edtf for plan in suggestion.dates if (edtf.parse(plan.edtf).earliest or date.min) > published)
        first = next(later, None)
        return {"due": first} if first else {}

    def _to_fill_in(self, name: str, annotation: Any) -> str:
        """Return the text for a field that the paragraph does not give: the usual actor, or a text to fill in."""
        one, other = self.relation["parties"]
        side = self.by if self.by in (one, other) else None
        if side and name == "party":
            return f"{side}  # or {other if side == one else one}"
        if side and name == "addressee":
            return f"{other if side == one else one}  # or {side}, both"
        if name in ("actor", "addressee", "owner", "by", "party"):
            return f"<{one}, {other} or both>" if name != "party" else f"<{one} or {other}>"
        return f"<{_HINTS.get(name) or value_of(annotation, name)}>"

    def _proposal_lines(self, suggestion: Suggestion) -> Iterator[str]:
        """Yield the proposal that is answered: the open ones on the suggested irritants, the likeliest first."""
        ids = {irritant["slug"]: irritant["id"] for irritant in self.irritants}
        open = [
            (f"irritant/{reference(tabled)}", offer.proposal.data.terms)
            for slug in suggestion.irritants
            for history in (read_history(self.service, f"irritant/{ids[slug]}"),)
            for offer in offers(history.state)
            if offer.awaited and (tabled := history.recorded(offer.proposal.root)) is not None
        ]
        if not open:
            yield "  proposal: <the proposal, such as irritant/ru-us/visas@7>"
        for number, (name, terms) in enumerate(open):
            yield f"  {'# or ' if number else ''}proposal: {name}  # {' '.join(terms.split())}"

    def _occurred_lines(self, suggestion: Suggestion) -> Iterator[str]:
        """Yield lines for the first day that is not after the document.

        A readout names later days only as plans. A month alone is mostly that of something else: "notes of April".
        """
        last = self.published or date.max
        past = (
            found_date
            for found_date in suggestion.dates
            if (span := edtf.parse(found_date.edtf)).latest is not None
            and span.earliest == span.latest
            and span.latest <= last
        )
        if (first := next(past, None)) is None:
            return
        yield f"  occurred: {first.edtf}"
        if first.inference:
            yield "  occurred_basis: inferred"
            yield f"  inference: {in_yaml(first.inference)}"

    def _stream(self, type: str, values: Mapping[str, str], suggestion: Suggestion) -> str:
        if type == "RoundAnnounced":
            made = slug_of(f"{values.get('place', '')} {values.get('timing', '')}")
            return f"round/{made or '<short name of the coming round, such as geneva-may>'}"
        if type in KINDS["round"]:
            return f"round/{self.round.rpartition('/')[2] if self.round else '<round>'}"
        first, *others = suggestion.irritants or ("<irritant>",)
        return f"irritant/{first}" + (f"  # or {', '.join(others)}" if others else "")


_ORIGIN_SUFFIX: Final = "-statement"
"""The end of the slug of a new origin. It begins with the slug of the document."""
_HINTS: Final = {
    "act": "what was done",
    "action": "what is to be done",
    "person": "name of the person, or not named",
    "reason": "the reason that is given",
    "step": "short name of the step, such as road-map",
    "terms": "what is agreed or proposed",
}
"""Texts to fill in, for fields whose names say too little."""


def _plain_or_quoted(text: str) -> str:
    """Return a text as YAML: in quotes, except a number or a slug-like word, such as `about`."""
    return (
        text if text.isdecimal() or (is_slug(text.replace("_", "-")) and text not in _YAML_KEYWORDS) else in_yaml(text)
    )


_YAML_KEYWORDS: Final = frozenset({"yes", "no", "on", "off", "true", "false", "null", "y", "n"})
"""Words that YAML does not read as text without quotes."""


def _sort_key(type: str) -> int:
    """Return a number to sort the types of one paragraph by: a round is convened before it is concluded."""
    return list(EVENT_TYPES).index(type) if type in KINDS["round"] else -1


def _alternatives(words: Sequence[Any]) -> str:
    *first, last = [str(word) for word in words]
    return f"{', '.join(first)} or {last}" if first else last


def _day(text: str | None) -> date | None:
    """Return the day of an ISO date. None for any other text."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
