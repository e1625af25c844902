"""Add new things to a draft by title or name: relations, irritants, rounds, documents, actors and persons.

The id is made from the title. If the title is on record, the form shows the section of what is on record.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from service.domain.actors import CODES
from service.domain.relation.state import Relation
from service.domain.streams import parse_stream
from service.openings import NotARelation, relation_between
from service.openings.actors import UnknownActor, code_of, code_or_error
from service.openings.slugs import slug_of, unused
from service.projections.words.names import at_the_beginning, name_of, round_name
from service.web.formatting import names_in_use
from service.web.forms.context import FormContext
from service.web.forms.draft import Draft
from service.web.forms.fields import Path
from service.web.forms.posted import Form

ROUND_BEGINS_WITH: Final = ("RoundConvened", "RoundScheduled", "RoundAnnounced")
"""The events with which a round can begin, the first as the default."""


class NoRelation(ValueError):
    """Two texts do not name the two states of a relation. `mistakes` has a sentence for each wrong text, by field."""

    def __init__(self, mistakes: Mapping[str, str]) -> None:
        self.mistakes = mistakes
        super().__init__("; ".join(mistakes.values()))


def relation_of_names(one: str, other: str) -> str:
    """Return the id of the relation of two states by their names, in many languages. Raises NoRelation."""
    codes: list[str] = []
    mistakes: dict[str, str] = {}
    for field, text in (("one", one), ("other", other)):
        try:
            codes.append(code_or_error(text, names_in_use()))
        except UnknownActor as error:
            mistakes[field] = f"{error}." if text else "Write the name of a state."
    if mistakes:
        raise NoRelation(mistakes)
    try:
        return relation_between(*codes)
    except NotARelation as error:
        raise NoRelation({"other": at_the_beginning(f"{error}.")}) from None


def with_relation_opened(draft: Draft, context: FormContext) -> Draft:
    """Return the draft with the event that opens its relation, if the relation is not on record."""
    stream = f"relation/{draft.relation}"
    if context.history(stream).events:
        return draft
    parties = "\n".join(at_the_beginning(name_of(party)) for party in context.board.parties)
    return draft.with_entry(stream, "RelationOpened", {("parties",): parties, ("title",): context.board.title})


@dataclass(frozen=True)
class NamedRound:
    """The slug of a round that is found by its title. `is_known`: it is on record, or in the draft already."""

    slug: str
    is_known: bool


def round_named(title: str, draft: Draft, context: FormContext) -> NamedRound | None:
    """Return the round with this title, or a slug that is not in use. None if the title has no words."""
    known = {round.id.partition("/")[2]: round.name for round in context.rounds}
    for stream in draft.streams:
        kind, _, member = stream.partition("/")
        if kind == "round":
            known.setdefault(member.partition("/")[2], _first_text(draft, stream, "title") or round_name(member))
    if slug := _slug_of_known(title, known):
        return NamedRound(slug, is_known=True)
    return NamedRound(unused(slug_of(title), known), is_known=False) if slug_of(title) else None


def with_new_round(draft: Draft, round: str, title: str, begins_with: str) -> Draft:
    """Return the draft with the event that begins a round, and with its title, if the id does not give the title."""
    stream = f"round/{draft.relation}/{round}"
    type = begins_with if begins_with in ROUND_BEGINS_WITH else ROUND_BEGINS_WITH[0]
    draft = draft.with_entry(stream, type)
    id_gives_title = slug_of(round_name(f"{draft.relation}/{round}")) == slug_of(title) and title.isascii()
    return draft if id_gives_title else draft.with_entry(stream, "RoundTitled", {("title",): title})


def with_new_names(draft: Draft, form: Form, context: FormContext) -> Draft:
    """Return the draft with everything new that has a title or a name in the form."""
    if (title := form.get("new-document")) and slug_of(title):
        draft = _with_document(draft, title, context)
    if (origin := slug_of(form.get("new-utterance"))) and (document := _document_of_new_origin(draft, form)):
        draft = draft.with_entry(f"source/{document}", "OriginRegistered", {("origin",): origin})
    if name := form.get("new-actor"):
        draft = _with_actor(draft, name, context)
    if (name := form.get("new-person")) and slug_of(name):
        draft = _with_person(draft, name, context)
    if (title := form.get("new-round")) and (round := round_named(title, draft, context)):
        stream = f"round/{draft.relation}/{round.slug}"
        begins_with = form.get("new-round-begins-with")
        draft = draft.with_section(stream) if round.is_known else with_new_round(draft, round.slug, title, begins_with)
    if (title := form.get("new-irritant")) and slug_of(title):
        draft = with_irritant(draft, title, context)[1]
    return draft


def possible_streams(draft: Draft, form: Form) -> Iterator[str]:
    """Yield the streams that the new titles and names of a form may mean, so that their histories are read."""
    yield f"relation/{draft.relation}"
    yield f"irritant/{draft.relation}/{slug_of(form.get('new-irritant'))}"
    yield f"round/{draft.relation}/{slug_of(form.get('new-round'))}"
    if name := form.get("new-actor"):
        yield f"actor/{_actor(name).lower()}"


def _with_document(draft: Draft, title: str, context: FormContext) -> Draft:
    taken = {
        *(source.id for source in context.sources),
        *(stream.partition("/")[2] for stream in _source_streams(draft)),
    }
    texts: dict[Path, str] = {} if title == slug_of(title) else {("title",): title}
    return draft.with_entry(f"source/{unused(slug_of(title), taken)}", "SourceRegistered", texts)


def _with_actor(draft: Draft, name: str, context: FormContext) -> Draft:
    actor = _actor(name)
    stream = f"actor/{actor.lower()}"
    if parse_stream(stream) is None or draft.entries_on(stream):
        return draft
    if context.history(stream).events:
        return draft.with_section(stream)
    is_state = actor in CODES
    known = at_the_beginning(name_of(actor)) if is_state and name.upper() == actor else name
    texts: dict[Path, str] = {("actor",): actor, ("names",): known}
    texts["kind",] = "state" if is_state and actor not in ("EU", "UN") else "organisation"
    return draft.with_entry(stream, "ActorRegistered", texts)


def _with_person(draft: Draft, name: str, context: FormContext) -> Draft:
    stream = f"relation/{draft.relation}"
    state = context.history(stream).state
    known = {p.person: p.names[0] for p in state.persons.values()} if isinstance(state, Relation) else {}
    for entry in draft.entries_on(stream):
        if entry.type == "PersonNamed":
            known.setdefault(entry.texts.get(("person",), ""), entry.texts.get(("names",), "").partition("\n")[0])
    if _slug_of_known(name, known):
        return draft.with_section(stream)
    texts: dict[Path, str] = {("person",): unused(slug_of(name), known), ("names",): name}
    return draft.with_entry(stream, "PersonNamed", texts)


def with_irritant(
    draft: Draft, title: str, context: FormContext, texts: Mapping[Path, str] | None = None
) -> tuple[str, Draft]:
    """Return the stream of the irritant with this title, and the draft with the event that opens it, if it is new.

    `texts`: the other fields of that event.
    """
    known = {row.id.partition("/")[2]: row.title for row in context.board.items}
    new_titles = {
        entry.stream.rpartition("/")[2]: entry.texts.get(("title",), "")
        for entry in draft.entries
        if entry.type == "IrritantOpened"
    }
    if slug := _slug_of_known(title, {**known, **new_titles}):
        stream = f"irritant/{draft.relation}/{slug}"
        return stream, draft.with_section(stream)
    stream = f"irritant/{draft.relation}/{unused(slug_of(title) or 'irritant', {*known, *new_titles})}"
    return stream, draft.with_entry(stream, "IrritantOpened", {("title",): title, **(texts or {})})


def _first_text(draft: Draft, stream: str, field: str) -> str:
    """Return the first text of a field among the entries on a stream. Empty if there is none."""
    return next(filter(None, (entry.texts.get((field,), "") for entry in draft.entries_on(stream))), "")


def _slug_of_known(title: str, known: Mapping[str, str]) -> str:
    """Return the slug of a known thing by its title or its slug. `known`: titles by slug. Empty if it is not known.

    The title decides first: two long titles that begin alike make the same slug.
    """
    plain_title = " ".join(title.split()).casefold()
    by_title = (slug for slug, other in known.items() if " ".join(other.split()).casefold() == plain_title)
    by_slug = (slug for slug in known if "-".join(plain_title.split()) == slug)
    return next(by_title, "") or next(by_slug, "")


def _source_streams(draft: Draft) -> Iterable[str]:
    """Return the stream of each entry of the draft that registers a document or an origin."""
    return (entry.stream for entry in draft.entries if entry.stream.startswith("source/"))


def _actor(text: str) -> str:
    """Return the code of a state by its code or name. Make a slug from any other name."""
    code = code_of(text, names_in_use())
    return code if code in CODES else slug_of(text.removeprefix("the ").removeprefix("The "))


def _document_of_new_origin(draft: Draft, form: Form) -> str:
    """Return the document of a new origin: the named document, else the last document that this report registers."""
    registered = [stream.partition("/")[2] for stream in _source_streams(draft)]
    return slug_of(form.get("document-of-utterance")) or (registered[-1] if registered else "")
