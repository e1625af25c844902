"""Changes as an Atom feed (RFC 4287), for readers that know nothing of this service."""

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from typing import Final, NamedTuple

from service.projections.change import ChangeDocument, StandingDocument

REPRESENTATION: Final = 2
MEDIA_TYPE: Final = "application/atom+xml"

_REASONS: Final = {
    "world": "The world moved.",
    "new_evidence": "Learned later, or from a further voice.",
    "correction": "The record was corrected.",
    "retraction": "Something was struck from the record.",
}
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


class RecordedChange(NamedTuple):
    """A change and when it was recorded."""

    change: ChangeDocument
    recorded_at: datetime


def view(record: str, relation: str | None, newest: Iterable[RecordedChange], root: str = "") -> str:
    """The feed of these changes, newest first. The same changes give the same text, whenever it is asked for.

    `root`: the path below which links lie. Ids never change with it: they say which record and which event.
    """
    entries = list(newest)
    path, title = f"{root}/v1/changes.atom", "Changes of irritants"
    if relation is not None:
        path, title = f"{path}?relation={relation}", f"{title} {relation}"
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
        f"<title>{escape(f'{after.title}: {_moved(before, after)}')}</title>"
        f'<link href="{root}/v1/irritants/{changed.irritant}"/>'
        f"<updated>{_instant(entry.recorded_at)}</updated>"
        f'<category term="{changed.reason}"/>'
        f"<summary>{escape(_REASONS[changed.reason] + ' ' + after.headline)}</summary></entry>"
    )


def _moved(before: StandingDocument | None, after: StandingDocument) -> str:
    if before is None:
        return f"opened, {after.status}"
    return after.status if before.status == after.status else f"{before.status} → {after.status}"


def _instant(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
