"""How a report begins: from a round, with all open irritants, or empty."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Any, Final

from service.api.problems import Problem
from service.api.resources import Snapshot
from service.api.resources.rounds import LIST
from service.domain.streams import parse_stream
from service.projections.relation import RelationDocument
from service.projections.round import RoundDocument
from service.web.formatting import round_name
from service.web.forms.context import FormContext, every_relation, form_context, listed
from service.web.forms.draft import Draft
from service.web.forms.fields import Path
from service.web.messages import messages
from service.web.pages import PageRequest

_BEFORE_IT_MET: Final = frozenset({"none", "announced", "scheduled", "postponed"})
_KEY: Final = re.compile(r"[A-Za-z0-9-]{8,80}")


@dataclass(frozen=True)
class Start:
    """A relation to report on, and its rounds: first those without a date, then the latest."""

    relation: RelationDocument
    rounds: Sequence[tuple[RoundDocument, str]]


def starts(visit: PageRequest[Any], snapshot: Snapshot) -> list[Start]:
    """Return the relations that this visitor may report on."""
    relations = every_relation(visit, snapshot)
    return [_start(snapshot, relation) for relation in relations if visit.visitor.may_report_on(relation.id)]


def _start(snapshot: Snapshot, relation: RelationDocument) -> Start:
    rounds = listed(snapshot, LIST, relation=relation.id)
    undated = [round for round in rounds if round.latest is None]
    dated = sorted((r for r in rounds if r.latest is not None), key=lambda r: str(r.latest), reverse=True)
    return Start(relation, [(round, round_name(round.id)) for round in (*undated, *dated)])


def new_draft(snapshot: Snapshot, address: str, relation: str, round: str | None) -> tuple[Draft, FormContext]:
    """Return a draft, and its context. Raises Problem."""
    draft = Draft(address, new_key(), relation, "", "", shown=(f"relation/{relation}",))
    if round is not None:
        draft = _on_round(draft, round, form_context(snapshot, relation, ()))
    known = form_context(snapshot, relation, draft.shown)
    return replace(draft, seen=known.versions(draft.shown)), known


def _on_round(draft: Draft, round: str, known: FormContext) -> Draft:
    stream, slug = f"round/{round}", round.partition("/")[2]
    if parse_stream(stream) is None:
        raise Problem("not-found", f"{round} is not the id of a round. Use one such as ru-us/istanbul-april.")
    irritants = [f"irritant/{row.id}" for row in known.board.items if row.lifecycle == "open"]
    title = str(messages()("file.title-of-round", round=round_name(round)).unescape())
    draft = replace(draft, round=slug, title=title, shown=(stream, *irritants, *draft.shown))
    found = known.round(round)
    if found is not None and found.phase not in _BEFORE_IT_MET:
        return draft
    said: dict[Path, str] = {("place",): found.place} if found and found.place else {}
    return draft.adding(stream, "RoundConvened", said)


def new_key() -> str:
    """Return a new idempotency key for a form."""
    return f"form-{token_hex(16)}"


def is_key(text: str) -> bool:
    return _KEY.fullmatch(text) is not None
