"""Read events: whole streams, the streams of a relation, or the log in pages.

Every function sends one query that uses an index. `tests/store/test_plans.py` checks the query plans.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Integer,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
    text,
    union,
)

from service.domain import catalogue
from service.domain.assertion import Recorded
from service.domain.catalogue import Kind
from service.store import codec
from service.store.audience import chain
from service.store.codec import GENESIS, StoredEvent
from service.store.tables import events, reports, withheld

_KINDS: Final = sorted(catalogue.KINDS)
# Ids are read as text, because making UUID objects would take longer than all other columns.
ROW: Final = (
    events.c.position,
    events.c.stream,
    events.c.version,
    cast(events.c.id, Text),
    events.c.type,
    events.c.schema_version,
    cast(events.c.data, Text),
    events.c.actor,
    cast(events.c.report, Text),
    events.c.correlation,
    cast(events.c.causation, Text),
    events.c.recorded_at,
    events.c.chain_hash,
    events.c.handling,
    events.c.salt,
    func.coalesce(select(withheld.c.rank).where(withheld.c.position == events.c.position).scalar_subquery(), 0),
)


def read_streams(
    connection: Connection, after: Mapping[str, int], *, upto: int | None = None
) -> dict[str, list[Recorded]]:
    """Return the events of each stream, up to the position `upto`. `after` has the last known version, by stream."""
    wanted = (
        func.unnest(bindparam("streams", type_=ARRAY(Text)), bindparam("versions", type_=ARRAY(Integer)))
        .table_valued(column("stream", Text), column("version", Integer))
        .render_derived("wanted")
    )
    query = select(*ROW).join_from(
        wanted, events, and_(events.c.stream == wanted.c.stream, events.c.version > wanted.c.version)
    )
    if upto is not None:
        query = query.where(events.c.position <= upto)
    rows = connection.execute(
        query.order_by(events.c.stream, events.c.version),
        {"streams": list(after), "versions": list(after.values())},
    ).all()
    found: dict[str, list[Recorded]] = {stream: [] for stream in after}
    for row in rows:
        event = codec.decode(StoredEvent(*row))
        found[event.stream].append(event)
    return found


def streams(connection: Connection, *, after: str = "", limit: int) -> list[tuple[str, int]]:
    """Return a page of all streams in the order of names, after a name. Each has the number of its events."""
    page = select(events.c.stream).where(events.c.stream > after, events.c.version == 1)
    named = page.order_by(events.c.stream).limit(limit).subquery()
    # One subquery for each stream, because for GROUP BY PostgreSQL would read all events of the record.
    last = select(func.max(events.c.version)).where(events.c.stream == named.c.stream).scalar_subquery()
    query = select(named.c.stream, last).order_by(named.c.stream)
    return [(stream, version) for stream, version in connection.execute(query)]


def streams_of_kind(
    connection: Connection, kind: Kind, *, after: str = "", upto: int | None = None, limit: int
) -> list[str]:
    """Return a page of the streams of a kind that existed at the position `upto`, in the order of names.

    `after` is a name without its kind: `ru-us/visas`.
    """
    query = select(events.c.stream).where(events.c.stream > f"{kind}/{after}", events.c.version == 1)
    if upto is not None:
        query = query.where(events.c.position <= upto)
    # End before the next kind. This is right in every collation of the database, unlike a comparison of prefixes.
    if beyond := [other for other in _KINDS if other > kind]:
        query = query.where(events.c.stream < beyond[0])
    return list(connection.execute(query.order_by(events.c.stream).limit(limit)).scalars())


def streams_of_relation(connection: Connection, relation: str) -> list[str]:
    """Return the names of all streams of a relation."""
    query = select(events.c.stream).where(events.c.relation == relation, events.c.version == 1)
    return sorted(connection.execute(query).scalars())


def origin_slugs(connection: Connection, *, after: str = "", limit: int) -> list[str]:
    """Return a page of the slugs of all origins in their order, after a slug."""
    # Written exactly like the index.
    slug = literal_column("data ->> 'origin'", Text)
    query = select(slug).where(events.c.type == literal_column("'OriginRegistered'"), slug > after)
    return list(connection.execute(query.order_by(slug).limit(limit)).scalars())


def streams_since(connection: Connection, position: int) -> list[str]:
    """Return the names of the streams that have an event after a position."""
    query = select(events.c.stream).distinct().where(events.c.position > position)
    return sorted(connection.execute(query).scalars())


def read_relation(
    connection: Connection, relation: str, *, kinds: Iterable[str], upto: int
) -> dict[str, list[Recorded]]:
    """Return the events of all streams of a relation that have one of these kinds, up to a position."""
    kind = func.split_part(events.c.stream, "/", 1)
    query = select(*ROW).where(events.c.relation == relation, events.c.position <= upto)
    query = query.where(kind.in_(list(kinds))).order_by(events.c.position)
    found: dict[str, list[Recorded]] = {}
    for row in connection.execute(query):
        event = codec.decode(StoredEvent(*row))
        found.setdefault(event.stream, []).append(event)
    return found


def streams_linked_with(connection: Connection, irritant: str, upto: int) -> list[str]:
    """Return the streams with an event that links them with an irritant, or with a correction that adds such a link."""
    ways = (
        and_(events.c.type == literal_column("'LinkageStated'"), _with() == irritant),
        and_(events.c.type == literal_column("'AssertionCorrected'"), _with("changes") == irritant),
    )
    recorded = select(events.c.stream).where(events.c.position <= upto)
    return sorted(connection.execute(union(*(recorded.where(way) for way in ways))).scalars())


def streams_naming(connection: Connection, member: str, types: Iterable[str]) -> list[str]:
    """Return the streams with an event of one of these types that has the id of an irritant or a round in its data."""
    named = func.jsonb_path_exists(
        events.c.data,
        text("'$.** ? (@ == $member)'"),
        func.jsonb_build_object("member", bindparam("member", member, Text)),
    )
    of_types = events.c.type == func.any(bindparam("types", list(types), ARRAY(Text)))
    return sorted(connection.execute(select(events.c.stream).distinct().where(of_types, named)).scalars())


def _with(*within: str) -> ColumnElement[str]:
    """Return the expression for the field `with` of an event, or of the object `within` it."""
    path = "".join(f" -> '{step}'" for step in within)
    return literal_column(f"data{path} ->> 'with'", Text)


def actor_events(connection: Connection) -> list[Recorded]:
    """Return the events that name actors, in the order of recording. There are few."""
    registered = select(events.c.stream).where(events.c.type == literal_column("'ActorRegistered'"))
    query = select(*ROW).where(events.c.stream.in_(registered)).order_by(events.c.position)
    return [codec.decode(StoredEvent(*row)) for row in connection.execute(query)]


def streams_citing(connection: Connection, document: str, origins: Iterable[str], upto: int) -> list[str]:
    """Return the streams with an event that cites a document or one of these origins, also by a correction."""
    slugs = func.any(bindparam("origins", list(origins), ARRAY(Text)))
    is_correction = events.c.type == literal_column("'AssertionCorrected'")
    # A query for each of the four indexes is faster than one query with four conditions.
    ways = (
        _of_source("document") == document,
        _of_source("origin") == slugs,
        and_(is_correction, _of_source("document", "changes") == document),
        and_(is_correction, _of_source("origin", "changes") == slugs),
    )
    of_relations = select(events.c.stream).where(events.c.position <= upto, events.c.relation.is_not(None))
    return sorted(connection.execute(union(*(of_relations.where(way) for way in ways))).scalars())


def _of_source(name: str, *within: str) -> ColumnElement[str]:
    """Return the expression for a field of `source`, in the event or in the object `within` it."""
    # Written exactly like the expression of the index. SQLAlchemy would write another form, which uses no index.
    path = " -> ".join(f"'{step}'" for step in (*within, "source"))
    return literal_column(f"data -> {path} ->> '{name}'", Text)


def read_log(
    connection: Connection,
    *,
    after: int = 0,
    upto: int | None = None,
    limit: int | None = None,
    stream: str | None = None,
    after_version: int = 0,
    type: str | None = None,
    relation: str | None = None,
    report: str | None = None,
) -> list[StoredEvent]:
    """Return the events after a position that match every filter, in the newest version of their types.

    `after_version` works only together with `stream`.
    """
    query = select(*ROW).where(events.c.position > after).limit(limit)
    if upto is not None:
        query = query.where(events.c.position <= upto)
    if type is not None:
        query = query.where(events.c.type == type)
    if relation is not None:
        query = query.where(events.c.relation == relation)
    if report is not None:
        within = events.c.position.between(reports.c.first_position, reports.c.last_position)
        query = query.join(reports, within).where(reports.c.id == report)
    if stream is not None:
        # Versions rise with positions. In the order of versions, PostgreSQL never reads the whole log.
        of_stream = query.where(events.c.stream == stream, events.c.version > after_version)
        query = of_stream.order_by(events.c.version)
    else:
        query = query.order_by(events.c.position)
    return [codec.upcast(StoredEvent(*row)) for row in connection.execute(query).all()]


def by_ids(connection: Connection, ids: Iterable[str]) -> dict[str, StoredEvent]:
    """Return the events with these ids, in the newest version of their types. Unknown ids are left out."""
    query = select(*ROW).where(events.c.id == func.any(bindparam("ids", list(ids), ARRAY(Uuid(as_uuid=False)))))
    return {event.id: event for row in connection.execute(query) for event in [codec.upcast(StoredEvent(*row))]}


def last_position(connection: Connection, *, relation: str | None = None, upto: int | None = None) -> int:
    """Return the position of the last event of a relation or of the record, up to `upto`. 0 if there is no event."""
    query = select(func.coalesce(func.max(events.c.position), 0))
    if relation is not None:
        query = query.where(events.c.relation == relation)
    if upto is not None:
        query = query.where(events.c.position <= upto)
    return int(connection.execute(query).scalar_one())


def last_of_stream(connection: Connection, stream: str, upto: int) -> tuple[int, int] | None:
    """Return version and position of the last event of a stream, up to a position. None if there is no event."""
    query = select(events.c.version, events.c.position).where(events.c.stream == stream, events.c.position <= upto)
    row = connection.execute(query.order_by(events.c.version.desc()).limit(1)).one_or_none()
    return None if row is None else (row.version, row.position)


def position_at(connection: Connection, known_at: datetime) -> int:
    """Return the last position that was on record at a time, 0 before the first event."""
    return _last_recorded(connection, reports.c.recorded_at <= known_at)


def position_before(connection: Connection, moment: datetime) -> int:
    """Return the last position that was recorded before a time, 0 before the first event."""
    return _last_recorded(connection, reports.c.recorded_at < moment)


def _last_recorded(connection: Connection, condition: ColumnElement[bool]) -> int:
    query = (
        select(reports.c.last_position)
        .where(condition)
        .order_by(reports.c.recorded_at.desc(), reports.c.first_position.desc())
        .limit(1)
    )
    return connection.execute(query).scalar() or 0


def chain_hash_at(connection: Connection, position: int) -> bytes | None:
    """Return the chain hash of the event at a position, None beyond the head. It is the same for every audience."""
    if position == 0:
        return GENESIS
    return connection.execute(select(chain.c.chain_hash).where(chain.c.position == position)).scalar()


def end_of_chain(connection: Connection) -> int:
    """Return the last position of the record, also if that event is withheld from the audience. 0 without events."""
    return int(connection.execute(select(func.coalesce(func.max(chain.c.position), 0))).scalar_one())


def times_of(connection: Connection, first: int, last: int) -> dict[int, datetime]:
    """Return the time of recording of each event from one position to another, also of those that are withheld."""
    query = select(chain.c.position, chain.c.recorded_at).where(chain.c.position.between(first, last))
    return {int(position): recorded_at for position, recorded_at in connection.execute(query)}


def origin_streams(connection: Connection, slugs: Iterable[str]) -> dict[str, str]:
    """Return the stream of the source in which each origin is registered. Unknown slugs are left out."""
    slug = events.c.data["origin"].astext
    query = select(slug.label("slug"), events.c.stream).where(
        events.c.type == "OriginRegistered", slug == func.any(bindparam("slugs", list(slugs), ARRAY(Text)))
    )
    return {row.slug: row.stream for row in connection.execute(query).all()}
