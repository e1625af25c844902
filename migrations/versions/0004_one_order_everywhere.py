"""Compare text by its code points, whatever the database's collation is.

An order that comes with the operating system changes with its updates: then indexes no longer find what is in them, and
unique ones take the same name twice. It differs between a database and the one that a dump is restored into, too.

PostgreSQL changes no column that another one is generated from, so this writes events anew: about half a minute for a
million events, in which nothing else reads or writes them. Processes of the release before must be stopped first:
PostgreSQL refuses the statements that they prepared, since the type of what these return has changed.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_RELATION = (
    "CASE WHEN split_part(stream, '/'::text, 1) = 'source'::text THEN NULL::text"
    " ELSE split_part(stream, '/'::text, 2) END"
)


def upgrade() -> None:
    _events()
    op.execute(f"ALTER TABLE reports {_columns('key', 'relation', 'round')}")
    _read_models()
    op.execute(f"ALTER TABLE keys {_columns('id')}")


def _events() -> None:
    op.drop_index("uq_events_origin", "events")
    # In one statement, which writes the table once. With the column go the indexes that name it.
    op.execute(f"""
        ALTER TABLE events DROP COLUMN relation, {_columns("stream", "type")},
        ADD COLUMN relation text COLLATE "C" GENERATED ALWAYS AS ({_RELATION}) STORED
    """)
    op.create_index(
        "ix_events_relation_position",
        "events",
        ["relation", "position"],
        postgresql_where=sa.text("relation IS NOT NULL"),
    )
    op.create_index(
        "uq_events_origin",
        "events",
        [_by_bytes("(data ->> 'origin'::text)")],
        unique=True,
        postgresql_where=sa.text("type = 'OriginRegistered'::text"),
    )
    _cited("ix_events_cited_document", "((data -> 'source'::text) ->> 'document'::text)", "relation IS NOT NULL")
    _cited("ix_events_cited_origin", "((data -> 'source'::text) ->> 'origin'::text)", "relation IS NOT NULL")
    corrected = "type = 'AssertionCorrected'::text"
    changed = "((data -> 'changes'::text) -> 'source'::text)"
    for name in ("document", "origin"):
        op.drop_index(f"ix_events_corrected_{name}", "events")
        _cited(f"ix_events_corrected_{name}", f"({changed} ->> '{name}'::text)", corrected)


def _read_models() -> None:
    facets = ("status", "basis", "lifecycle", "awaiting", "phase")
    for facet in facets:
        op.drop_index(f"ix_read_models_{facet}", "read_models")
    op.execute(f"ALTER TABLE read_models {_columns('name', 'key', 'relation')}")
    for facet in facets:
        expression = f"(facets ->> '{facet}'::text)"
        op.create_index(
            f"ix_read_models_{facet}",
            "read_models",
            ["name", "representation", _by_bytes(expression), "key"],
            postgresql_where=sa.text(f"{expression} IS NOT NULL"),
        )


def _cited(name: str, expression: str, where: str) -> None:
    op.create_index(name, "events", [_by_bytes(expression)], postgresql_where=sa.text(where))


def _by_bytes(expression: str) -> sa.TextClause:
    return sa.text(f"{expression} text_pattern_ops")


def _columns(*names: str) -> str:
    return ", ".join(f'ALTER COLUMN {name} TYPE text COLLATE "C"' for name in names)
