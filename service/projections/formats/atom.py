"""The changes of irritants as an Atom feed (RFC 4287), for any feed reader: `GET /v1/changes.atom`."""

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from typing import Final, NamedTuple

from service.domain.actor.names import NO_NAMES, ActorNames
from service.domain.countries import parties_of
from service.projections.change import ChangeDocument, StandingDocument
from service.projections.words.bidi import isolated
from service.projections.words.names import joined, name_of
from service.projections.words.reasons import reason_words
from service.projections.words.statuses import status_in_words

REPRESENTATION: Final = 6
MEDIA_TYPE: Final = "application/atom+xml"

_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


class RecordedChange(NamedTuple):
    """A change, with the time at which it was recorded."""

    change: ChangeDocument
    recorded_at: datetime


def view(
    record: str, relation: str | None, newest: Iterable[RecordedChange], root: str = "", names: ActorNames = NO_NAMES
) -> str:
    """Return the feed of these changes, newest first. The same changes always give the same text.

    `record` is the id of the record. `root` is the path at which the service is mounted, for links. Ids do not contain
    it, so they stay the same if it changes. `names` are the names of actors on record, for the title.
    """
    entries = list(newest)
    path, title = f"{root}/v1/changes.atom", "Changes of irritants"
    if relation is not None:
        sides = joined([name_of(party, names) for party in parties_of(relation)])
        path, title = f"{path}?relation={relation}", f"{title}: {sides}"
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom">',
        f"<id>urn:uuid:{record}{f'#{relation}' if relation else ''}</id>",
        f"<title>{escape(title)}</title>",
        f'<link rel="self" href="{escape(path)}"/>',
        f"<updated>{_instant(entries[0].recorded_at if entries else _BEGINNING)}</updated>",
        "<author><name>irritants</name></author>",
        *(_atom_entry(entry, root) for entry in entries),
        "</feed>",
    ]
    return "\n".join(lines) + "\n"


def _atom_entry(entry: RecordedChange, root: str) -> str:
    changed = entry.change
    before, after = changed.before, changed.after
    return (
        f"<entry><id>urn:uuid:{changed.events[-1]}</id>"
        f"<title>{escape(f'{isolated(after.title)}: {isolated(after.headline)}')}</title>"
        f'<link rel="alternate" type="text/html" href="{root}/irritants/{changed.irritant}"/>'
        f"<updated>{_instant(entry.recorded_at)}</updated>"
        f'<category term="{changed.reason}"/>'
        f"<summary>{escape(f'{reason_words(changed.reason)}: {_status_change(before, after)}')}</summary></entry>"
    )


def _status_change(before: StandingDocument | None, after: StandingDocument) -> str:
    """Return the claimed status before and after, in words."""
    was, now = (_status(standing) if standing else "opened" for standing in (before, after))
    return now if was == now else f"{was} → {now}"


def _status(standing: StandingDocument) -> str:
    status = status_in_words(standing.status)
    return "nothing claimed" if status == "nothing" else status


def _instant(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
