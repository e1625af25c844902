"""The tables, as SQLAlchemy Core describes them: the one description that queries and migrations are held against.

`head` is one row that every append moves by compare-and-swap, so positions are gap-free and in commit order; a sequence
is handed out before commit, and readers of one silently skip what commits late.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

head = Table(
    "head",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("record", Uuid(as_uuid=False), nullable=False),  # who this record is; an import brings its own
    Column("position", BigInteger, nullable=False),
    Column("chain_hash", LargeBinary, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("keys_version", BigInteger, nullable=False),  # counts every change of the API keys
    Column("session_secret", LargeBinary, nullable=False),  # signs sessions; never exported
    CheckConstraint("one", name="one_row"),
)

events = Table(
    "events",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("stream", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("id", Uuid(as_uuid=False), nullable=False),
    Column("type", Text, nullable=False),
    Column("schema_version", SmallInteger, nullable=False),
    Column("data", JSONB, nullable=False),
    Column("actor", Text, nullable=False),
    Column("report", Uuid(as_uuid=False), nullable=False),
    Column("correlation", Text, nullable=False),
    Column("causation", Uuid(as_uuid=False)),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("chain_hash", LargeBinary, nullable=False),
    # Derived from the name of the stream, in the form in which PostgreSQL gives it back; sources belong to no relation.
    Column(
        "relation",
        Text,
        Computed(
            "CASE WHEN split_part(stream, '/'::text, 1) = 'source'::text THEN NULL::text"
            " ELSE split_part(stream, '/'::text, 2) END",
            persisted=True,
        ),
    ),
    UniqueConstraint("stream", "version"),
    UniqueConstraint("id"),
    # No index by report: a report's events lie side by side, from its first position to its last.
    Index(None, "relation", "position", postgresql_where=text("relation IS NOT NULL")),
    Index(None, "type", "position"),
    # An origin's slug is unique over the record, whichever source it was registered under.
    Index(
        "uq_events_origin",
        text("(data ->> 'origin'::text)"),
        unique=True,
        postgresql_where=text("type = 'OriginRegistered'::text"),
    ),
    # What rests on a source: the documents and origins that events cite, or are corrected to cite.
    *(
        Index(f"ix_events_{name}", text(expression), postgresql_where=text(where))
        for name, expression, where in (
            ("cited_document", "((data -> 'source'::text) ->> 'document'::text)", "relation IS NOT NULL"),
            ("cited_origin", "((data -> 'source'::text) ->> 'origin'::text)", "relation IS NOT NULL"),
            (
                "corrected_document",
                "(((data -> 'changes'::text) -> 'source'::text) ->> 'document'::text)",
                "type = 'AssertionCorrected'::text",
            ),
            (
                "corrected_origin",
                "(((data -> 'changes'::text) -> 'source'::text) ->> 'origin'::text)",
                "type = 'AssertionCorrected'::text",
            ),
        )
    ),
)

reports = Table(
    "reports",
    metadata,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("key", Text, nullable=False),  # the caller's idempotency key
    Column("request_hash", LargeBinary, nullable=False),
    Column("actor", Text, nullable=False),
    Column("relation", Text, nullable=False),
    Column("round", Text),
    Column("title", Text, nullable=False),
    Column("first_position", BigInteger, nullable=False),
    Column("last_position", BigInteger, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("key"),
    UniqueConstraint("first_position"),
    Index(None, "relation", "first_position"),
    Index(None, "recorded_at"),
    Index(None, "round", "first_position", postgresql_where=text("round IS NOT NULL")),
    CheckConstraint("first_position <= last_position", name="not_empty"),
)

FACETS: Final = ("status", "basis", "lifecycle", "awaiting", "phase")
"""What lists filter by: of irritants, and of rounds the phase."""

read_models = Table(
    "read_models",
    metadata,
    Column("name", Text, primary_key=True),
    Column("representation", Integer, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("relation", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("facets", JSONB, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "position"),
    Index(None, "name", "representation", "relation", "key"),
    # In the order of the list: the first ten of a status that thousands have are found without sorting those.
    *(
        Index(
            f"ix_read_models_{facet}",
            "name",
            "representation",
            text(f"(facets ->> '{facet}'::text)"),
            "key",
            postgresql_where=text(f"(facets ->> '{facet}'::text) IS NOT NULL"),
        )
        for facet in FACETS
    ),
)

keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("relations", ARRAY(Text)),  # null: not limited
    Column("secret", LargeBinary, nullable=False),  # SHA-256; the secret itself is shown once and kept nowhere
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
)
