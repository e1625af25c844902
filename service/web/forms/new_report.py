"""Begin a report: list the relations and rounds that a visitor can report on, and make the first draft.

The draft for a round has a section for every open irritant.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Any, Final

from service.api.problems import Problem
from service.api.resources import Snapshot
from service.api.resources.rounds import LIST
from service.domain.streams import parse_stream
from service.openings import title_of_relation
from service.projections.relation import RelationDocument
from service.projections.round import RoundDocument
from service.projections.words.names import round_name
from service.web.forms.context import FormContext, all_items, every_relation, form_context
from service.web.forms.draft import Draft
from service.web.forms.fields import Path
from service.web.forms.openings import with_new_round, with_relation_opened
from service.web.messages import messages
from service.web.pages import PageRequest

_PHASES_BEFORE_MEETING: Final = frozenset({"none", "announced", "scheduled", "postponed"})
_KEY: Final = re.compile(r"[A-Za-z0-9-]{8,80}")


@dataclass(frozen=True)
class Start:
    """A relation to report on, and its rounds with their names: first those without a date, then the latest first."""

    relation: RelationDocument
    rounds: Sequence[tuple[RoundDocument, str]]


def starts(visit: PageRequest[Any], snapshot: Snapshot) -> list[Start]:
    """Return the relations that this visitor may report on."""
    relations = every_relation(visit, snapshot)
    return [_start(snapshot, relation) for relation in relations if visit.visitor.may_report_on(relation.id)]


def unopened(visit: PageRequest[Any], begun: Sequence[Start]) -> list[tuple[str, str]]:
    """Return the relations of a limited key that are not on record: their ids and titles."""
    on_record = {start.relation.id for start in begun}
    return [(id, title_of_relation(id)) for id in visit.visitor.relations or () if id not in on_record]


def _start(snapshot: Snapshot, relation: RelationDocument) -> Start:
    rounds = all_items(snapshot, LIST, relation=relation.id)
    undated = [round for round in rounds if round.latest is None]
    dated = sorted((r for r in rounds if r.latest is not None), key=lambda r: str(r.latest), reverse=True)
    return Start(relation, [(round, round.name) for round in (*undated, *dated)])


def new_draft(
    snapshot: Snapshot,
    address: str,
    relation: str,
    round: str | None,
    *,
    round_title: str | None = None,
    attributed_report: str | None = None,
) -> tuple[Draft, FormContext]:
    """Return a new draft, and its context. The draft opens a relation that is not on record. Raises Problem.

    `round_title`: the title of a new round. `attributed_report`: a report to attribute to the round.
    """
    stream = f"relation/{relation}"
    draft = Draft(address, new_key(), relation, "", "", streams=(stream,))
    before = form_context(snapshot, relation, (stream,))
    draft = with_relation_opened(draft, before)
    if round is not None:
        draft = _draft_on_round(draft, round, round_title, before)
    elif draft.entries:
        draft = replace(draft, title=str(messages()("file.title-of-first", title=before.board.title).unescape()))
    if attributed_report is not None:
        draft = draft.with_entry(
            f"relation/{relation}", "ReportAttributed", {("report",): attributed_report, ("round",): round or ""}
        )
    context = form_context(snapshot, relation, draft.streams)
    return replace(draft, seen_versions=context.irritant_versions(draft.streams)), context


def _draft_on_round(draft: Draft, round: str, round_title: str | None, context: FormContext) -> Draft:
    stream, slug = f"round/{round}", round.partition("/")[2]
    if parse_stream(stream) is None:
        raise Problem("not-found", f"{round} is not the id of a round. Use one such as ru-us/istanbul-april.")
    irritants = [f"irritant/{row.id}" for row in context.board.items if row.lifecycle == "open"]
    found = context.round(round)
    name = found.name if found else round_title or round_name(round)
    title = str(messages()("file.title-of-round", round=name).unescape())
    # A relation that is not on record comes first.
    streams = (*draft.streams, stream) if draft.entries else (stream, *irritants, *draft.streams)
    draft = replace(draft, round=slug, title=title, streams=streams)
    if found is None:
        return with_new_round(draft, slug, name, "RoundConvened")
    if found.phase not in _PHASES_BEFORE_MEETING:
        return draft
    texts: dict[Path, str] = {("place",): found.place} if found.place else {}
    return draft.with_entry(stream, "RoundConvened", texts)


def new_key() -> str:
    """Return a new idempotency key for a form."""
    return f"form-{token_hex(16)}"


def is_key(text: str) -> bool:
    """Return whether a text can be the idempotency key of a form."""
    return _KEY.fullmatch(text) is not None
