"""The form of a report as it is drawn: what it has on each stream, what can be added there, and what can be found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from service.api.sessions import Session
from service.projections.board import BoardRow
from service.web.controls import Group, Option, explanation, groups, suggestions
from service.web.drafts import Draft, Entry
from service.web.editing import offered, streams_of
from service.web.ladder import ladder, symbols
from service.web.previews import Preview
from service.web.sentences import round_name, sentence
from service.web.speech import event_label
from service.web.standing import of_row
from service.web.surroundings import Surroundings

_MOST_DRAWN: Final = 100
"""Beyond as many streams each tells in words alone how it stands, so that the page stays below 400 kB."""


@dataclass(frozen=True)
class Written:
    """One entry as the form shows it."""

    entry: Entry
    type: Markup
    explained: Markup
    groups: Sequence[Group]


@dataclass(frozen=True)
class Section:
    """What the form has on one stream. `opens`: what waits for somebody there."""

    stream: str
    kind: str
    title: str
    row: BoardRow | None
    entries: Sequence[Written]
    types: Sequence[Option]
    opens: Sequence[tuple[str, str, str]]
    is_drawn: bool

    @property
    def ladder(self) -> Markup | None:
        return ladder(of_row(self.row)) if self.row and self.is_drawn else None

    @property
    def sentence(self) -> Markup | None:
        return sentence(of_row(self.row)) if self.row else None


def formsheet(
    session: Session, draft: Draft, known: Surroundings, found: Preview | None = None, *, refused: bool = False
) -> dict[str, Any]:
    """What the form is drawn from. `found`: what the report would change; where it was refused, why."""
    names = streams_of(known)
    return {
        "draft": draft,
        "made_for": session.key.id,
        "documents": [written(e, draft, known) for e in draft.in_order if e.stream.startswith("source/")],
        "sections": [
            _section(stream, draft, known, names) for stream in draft.shown if not stream.startswith("source")
        ],
        "others": [Option(stream, name) for stream, name in names.items() if stream not in draft.shown],
        "suggestions": list(suggestions(draft, known)),
        "symbols": symbols(),
        "preview": found,
        "mistakes": {m.id: m.detail for m in found.mistakes if refused or not m.unfilled} if found else {},
        "refused": refused,
    }


def _section(stream: str, draft: Draft, known: Surroundings, names: Mapping[str, str]) -> Section:
    kind, _, member = stream.partition("/")
    title = names.get(stream) or next((e.said.get(("title",), "") for e in draft.of(stream)), "") or member
    return Section(
        stream=stream,
        kind=kind,
        title=round_name(member) if kind == "round" else title,
        row=known.row(stream),
        entries=[written(entry, draft, known) for entry in draft.of(stream)],
        types=[Option(type, event_label(type)) for type in offered(stream, known)],
        opens=list(known.opens(stream)),
        is_drawn=len(draft.shown) <= _MOST_DRAWN,
    )


def written(entry: Entry, draft: Draft, known: Surroundings) -> Written:
    return Written(entry, event_label(entry.type), explanation(entry.type), list(groups(entry, draft, known)))
