"""Show an audience the record without what is withheld from it, through views that have the names of the tables.

Each event has a handling label, and each label a rank: `open` is 0. An audience is named by the rank up to which it may
read. Its sessions (`connections.connect` with `clearance`) find the views before the tables, and the views leave out
every event above the rank in the setting `irritants.clearance`. So each query of this package can be sent unchanged for
the whole record or for an audience, and none can forget the filter. Without the setting, a view raises an error.

`head` is the last event that the audience may see. So an event that it may not see changes nothing for it, not even the
position. Two things are left: the `chain` of all positions, times and chain hashes, and gaps between the versions of a
stream. SECURITY.md lists what that reveals.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import Connection, column, delete, func, select, table, text, update
from sqlalchemy.dialects.postgresql import insert

from service.store.codec import StoredReport
from service.store.tables import labels, withheld

CLEARANCE: Final = "irritants.clearance"
"""The setting of a session with the rank of its audience."""
_SUFFIX: Final = "_audience"

_RANK: Final = f"(SELECT pg_catalog.current_setting('{CLEARANCE}')::smallint)"
_HIDES: Final = (
    "(SELECT FROM {schema}.withheld WHERE withheld.position = {event}.position AND withheld.rank > " + _RANK + ")"
)
_VIEWS: Final[Mapping[str, str]] = {
    "events": """
SELECT event.* FROM {schema}.events AS event WHERE NOT EXISTS {hides_event}
""",
    # A report is hidden if all of its events are. They have consecutive positions.
    "reports": """
SELECT report.* FROM {schema}.reports AS report
 WHERE (SELECT count(*) FROM {schema}.withheld
         WHERE withheld.position BETWEEN report.first_position AND report.last_position AND withheld.rank > {rank})
       <= report.last_position - report.first_position
""",
    "read_models": """
SELECT document.name, document.representation, document.key, document.relation, document.position, document.facets,
       document.body
  FROM {schema}.read_models AS document
 WHERE NOT EXISTS (SELECT FROM {schema}.variants AS variant
                    WHERE variant.rank = {rank} AND variant.name = document.name
                      AND variant.representation = document.representation AND variant.key = document.key)
UNION ALL
SELECT variant.name, variant.representation, variant.key, variant.relation, variant.position, variant.facets,
       variant.body
  FROM {schema}.variants AS variant
 WHERE variant.rank = {rank} AND variant.body IS NOT NULL
""",
    "head": """
SELECT head.one, head.record, coalesce(last.position, 0) AS position,
       coalesce(last.chain_hash, pg_catalog.decode(pg_catalog.repeat('00', 32), 'hex')) AS chain_hash,
       coalesce(last.recorded_at, 'epoch'::timestamptz) AS recorded_at, head.keys_version, head.highest,
       coalesce((SELECT labels.relabelled FROM {schema}.labels WHERE labels.rank = {rank}), head.relabelled)
         AS relabelled
  FROM {schema}.head
  LEFT JOIN LATERAL (
    SELECT event.position, event.chain_hash, event.recorded_at FROM {schema}.events AS event
     WHERE NOT EXISTS {hides_event} ORDER BY event.position DESC LIMIT 1
  ) AS last ON true
""",
}
VIEWS: Final = tuple(_VIEWS)
"""The names of the views. All other tables are the same for every audience."""

chain: Final = table("chain", column("position"), column("recorded_at"), column("chain_hash"))
"""A view of the position, the time and the chain hash of every event. Every audience sees all of it."""


def schema_of_views(schema: str) -> str:
    """Return the name of the schema of the views for a record in `schema`."""
    return f"{schema}{_SUFFIX}"


class Grant(NamedTuple):
    """A role that may read a view, by the schema and the name of the view."""

    schema: str
    view: str
    role: str


def has_views(connection: Connection) -> bool:
    """Return whether all views exist for the record in the current schema."""
    return len(_existing(connection)) == len(_VIEWS) + 1


def drop_views(connection: Connection) -> list[Grant]:
    """Remove the views, because PostgreSQL lets no migration change a column that a view has.

    Return who could read them, for `create_views`.
    """
    quote = connection.dialect.identifier_preparer.quote_identifier
    grants = [Grant(*row) for row in connection.execute(_GRANTS, {"views": schema_of_views(_own_schema(connection))})]
    for schema, view in _existing(connection):
        connection.execute(text(f"DROP VIEW {quote(schema)}.{view}"))
    return grants


def create_views(connection: Connection, grants: Iterable[Grant] = ()) -> None:
    """Create the views for the record in the current schema, where there are none. `grants`: who may read them.

    The schema of the views is created if it is missing. This needs CREATE on the database.
    """
    quote = connection.dialect.identifier_preparer.quote_identifier
    own = _own_schema(connection)
    views, schema = quote(schema_of_views(own)), quote(own)
    if connection.execute(text("SELECT to_regnamespace(:name)"), {"name": views}).scalar() is None:
        connection.execute(text(f"CREATE SCHEMA {views}"))
    connection.execute(
        text(f"CREATE VIEW {schema}.chain AS SELECT position, recorded_at, chain_hash FROM {schema}.events")  # noqa: S608
    )
    for name, query in _VIEWS.items():
        parts = {"schema": schema, "rank": _RANK, "hides_event": _HIDES.format(schema=schema, event="event")}
        connection.exec_driver_sql(f"CREATE VIEW {views}.{name} AS {query.format(**parts)}")
    # A view that was missing has no rights any more, so who could read one of them may read all.
    for role in sorted({grant.role for grant in grants}):
        every = ", ".join([f"{schema}.chain", *(f"{views}.{view}" for view in _VIEWS)])
        connection.execute(text(f"GRANT USAGE ON SCHEMA {views} TO {quote(role)}"))
        connection.execute(text(f"GRANT SELECT ON {every} TO {quote(role)}"))


_EXISTING: Final = text("""
SELECT namespace.nspname, class.relname
  FROM pg_catalog.pg_class AS class
  JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
 WHERE class.relkind = 'v'
   AND (namespace.nspname = :views OR (namespace.nspname = current_schema() AND class.relname = 'chain'))
""")
_GRANTS: Final = text("""
SELECT namespace.nspname, class.relname, pg_catalog.pg_get_userbyid(privilege.grantee)
  FROM pg_catalog.pg_class AS class
  JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace,
       pg_catalog.aclexplode(class.relacl) AS privilege
 WHERE class.relkind = 'v' AND privilege.privilege_type = 'SELECT'
   AND privilege.grantee NOT IN (0, class.relowner)
   AND (namespace.nspname = :views OR (namespace.nspname = current_schema() AND class.relname = 'chain'))
""")


def _own_schema(connection: Connection) -> str:
    return str(connection.execute(text("SELECT current_schema()")).scalar_one())


def _existing(connection: Connection) -> list[tuple[str, str]]:
    """Return the schema and the name of each view."""
    found = connection.execute(_EXISTING, {"views": schema_of_views(_own_schema(connection))})
    return [(str(schema), str(view)) for schema, view in found if view in (*_VIEWS, "chain")]


@dataclass(frozen=True, slots=True)
class Label:
    """A handling label. Events with a label of a higher rank are visible to fewer readers."""

    name: str
    rank: int


def read_labels(connection: Connection) -> tuple[Label, ...]:
    """Return all labels, the lowest first."""
    query = select(labels.c.name, labels.c.rank).order_by(labels.c.rank)
    return tuple(Label(*row) for row in connection.execute(query))


def add_label(connection: Connection, label: Label) -> None:
    """Register a label, if the record does not have it yet. Raises IntegrityError if another one has its rank."""
    known = insert(labels).values(name=label.name, rank=label.rank)
    connection.execute(known.on_conflict_do_nothing(index_elements=["name"]))


_DERIVED: Final = text("""
WITH own AS (
  SELECT event.position, event.id, event.type, event.data,
         coalesce((SELECT rank FROM labels WHERE name = event.handling), 0) AS filed,
         (SELECT labels.rank FROM events AS change JOIN labels ON labels.name = change.data ->> 'label'
           WHERE change.type = 'HandlingChanged' AND change.data ->> 'target' = event.id::text
           ORDER BY change.position DESC LIMIT 1) AS changed
    FROM events AS event
   WHERE event.handling IS NOT NULL
      OR event.id IN (SELECT (change.data ->> 'target')::uuid FROM events AS change
                       WHERE change.type = 'HandlingChanged')
)
SELECT position, rank
  FROM (
    SELECT own.position,
           CASE WHEN own.type = 'HandlingChanged'
                -- A change names its target, so it is at least as restricted.
                THEN greatest(own.filed, (SELECT coalesce(target.changed, target.filed) FROM own AS target
                                           WHERE target.id::text = own.data ->> 'target'))
                ELSE coalesce(own.changed, own.filed) END AS rank
      FROM own
  ) AS event
 WHERE rank > 0
""")
"""The present rank of each event above `open`, as the log says."""
_LAST_CHANGE: Final = text("SELECT coalesce(max(position), 0) FROM events WHERE type = 'HandlingChanged'")


def derive_ranks(connection: Connection) -> tuple[int, int]:
    """Fill the table `withheld` from the log. Return the highest rank, and the position of the last changed label.

    Call it inside `engine.transaction`, with the head locked.
    """
    ranks = [{"position": position, "rank": rank} for position, rank in connection.execute(_DERIVED)]
    connection.execute(delete(withheld))
    if ranks:
        connection.execute(insert(withheld), ranks)
    last = int(connection.execute(_LAST_CHANGE).scalar_one())
    # Nobody knows which audiences that change concerned, so all of them read again.
    connection.execute(update(labels).values(relabelled=last))
    return max((int(row["rank"]) for row in ranks), default=0), last


def find_fault(connection: Connection) -> int | None:
    """Return the first position whose rank is not the one that the log says. None if all are right."""
    derived = {int(position): int(rank) for position, rank in connection.execute(_DERIVED)}
    stored = select(withheld.c.position, withheld.c.rank).where(withheld.c.rank > 0)
    present = {int(position): int(rank) for position, rank in connection.execute(stored)}
    return min((p for p in derived.keys() | present.keys() if derived.get(p) != present.get(p)), default=None)


def rank_of_report(connection: Connection, report: StoredReport) -> int:
    """Return the lowest rank of the events of a report, up to which an audience does not see the report."""
    count = report.last_position - report.first_position + 1
    within = withheld.c.position.between(report.first_position, report.last_position)
    restricted, least = connection.execute(
        select(func.count(), func.min(withheld.c.rank)).where(within, withheld.c.rank > 0)
    ).one()
    return int(least) if restricted == count else 0


_HIDDEN_BETWEEN: Final = text("""
SELECT (SELECT count(*) FROM withheld
         WHERE withheld.position BETWEEN span.first AND span.last AND withheld.rank > :rank)
  FROM unnest(CAST(:first AS bigint[]), CAST(:last AS bigint[])) WITH ORDINALITY AS span (first, last, number)
 ORDER BY span.number
""")


def hidden_between(connection: Connection, spans: Sequence[tuple[int, int]], rank: int) -> list[int]:
    """Return the number of events within each pair of positions that the audience of a rank does not see."""
    first, last = [span[0] for span in spans], [span[1] for span in spans]
    found = connection.execute(_HIDDEN_BETWEEN, {"first": first, "last": last, "rank": rank})
    return [int(count) for (count,) in found]


def note_relabelled(connection: Connection, rank: int, position: int) -> None:
    """Note that the event at `position` changed what the audience of this rank sees."""
    connection.execute(update(labels).where(labels.c.rank == rank).values(relabelled=position))
