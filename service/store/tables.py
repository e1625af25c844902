"""The tables, for the queries in SQLAlchemy Core. A test compares them with the migrations.

The table `head` has one row with the last position. Every append updates it by compare and swap, so positions have no
gaps and are in the order of commits. A sequence would give out numbers before the commit. Then a reader could see 8
before 7, and miss 7.
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
    Column("one", Boolean, primary_key=True, server_default=text("true")),  # always true, so there is only one row
    Column("record", Uuid(as_uuid=False), nullable=False),  # the id of the record; an import sets it
    Column("position", BigInteger, nullable=False),
    Column("chain_hash", LargeBinary, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("keys_version", BigInteger, nullable=False),  # incremented by each change of the API keys
    Column("session_secret", LargeBinary, nullable=False),  # signs sessions, never exported
    Column("highest", SmallInteger, server_default=text("0"), nullable=False),  # the highest rank of an event
    # The position of the last event that changed the label of another.
    Column("relabelled", BigInteger, server_default=text("0"), nullable=False),
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
    Column("actor", Text, nullable=False),  # the name of the API key that filed it
    Column("report", Uuid(as_uuid=False), nullable=False),
    Column("correlation", Text, nullable=False),  # the id of the request
    Column("causation", Uuid(as_uuid=False)),  # the event that it answers, denies or amends
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("chain_hash", LargeBinary, nullable=False),
    Column("handling", Text),  # the label with which it was filed, null for `open`
    Column("salt", LargeBinary),  # so that its content cannot be guessed from its hash
    # Derived from the name of the stream. The expression is written as PostgreSQL prints it. Sources have no relation.
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
    # No index by report: the events of a report have consecutive positions.
    Index(None, "relation", "position", postgresql_where=text("relation IS NOT NULL")),
    Index(None, "type", "position"),
    # The slug of an origin is unique in the whole record.
    Index(
        "uq_events_origin",
        text("(data ->> 'origin'::text)"),
        unique=True,
        postgresql_where=text("type = 'OriginRegistered'::text"),
    ),
    # To find the events that cite a document or an origin, also by a correction.
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
    Column("actor", Text, nullable=False),  # the name of the API key that filed it
    Column("relation", Text, nullable=False),
    Column("round", Text),
    Column("title", Text, nullable=False),
    Column("first_position", BigInteger, nullable=False),
    Column("last_position", BigInteger, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("key"),
    UniqueConstraint("first_position"),
    # Lists of reports are ordered by last position, because for an order by first position the planner would walk the
    # unique index of `first_position` and filter each row.
    Index(None, "relation", "last_position"),
    Index(None, "actor", "last_position"),
    Index(None, "actor", "relation", "last_position"),
    Index(None, "recorded_at"),
    Index(None, "round", "first_position", postgresql_where=text("round IS NOT NULL")),
    CheckConstraint("first_position <= last_position", name="not_empty"),
)

FACETS: Final = ("status", "basis", "lifecycle", "awaiting", "phase")
"""Lists of irritants filter by the first four, lists of rounds by the phase."""


def _index_of_words(name: str) -> Index:
    """Return the index for searches, on the words of hits (see `search.lexemes`).

    They are split in Python, so the index does not depend on the version or locale of PostgreSQL.
    """
    return Index(
        name,
        text("array_to_tsvector(string_to_array(facets ->> 'words'::text, ' '::text))"),
        postgresql_using="gin",
        postgresql_where=text("(facets ->> 'words'::text) IS NOT NULL"),
    )


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
    _index_of_words("ix_read_models_words"),
    # Ends with the key, so that the first page of a long list needs no sorting.
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
    Column("relations", ARRAY(Text)),  # null: all relations
    Column("secret", LargeBinary, nullable=False),  # the SHA-256 hash; the secret itself is shown once and not stored
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
    Column("clearance", Text, server_default=text("'open'"), nullable=False),  # the highest label that it may read
)

labels = Table(
    "labels",
    metadata,
    Column("name", Text, primary_key=True),
    Column("rank", SmallInteger, nullable=False),  # `open` has 0; readers see events up to the rank of their clearance
    # The position of the last change of a label that changed what this audience sees.
    Column("relabelled", BigInteger, server_default=text("0"), nullable=False),
    UniqueConstraint("rank"),
)

withheld = Table(
    "withheld",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("rank", SmallInteger, nullable=False),  # the present rank of this event, above 0
)

variants = Table(
    "variants",
    metadata,
    Column("rank", SmallInteger, primary_key=True, autoincrement=False),  # of the audience
    Column("name", Text, primary_key=True),
    Column("representation", Integer, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("stream", Text, nullable=False),
    Column("relation", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("facets", JSONB, nullable=False),
    Column("body", LargeBinary),  # null: this audience has no such document
    Index(None, "rank", "position"),
    Index(None, "stream"),
    _index_of_words("ix_variants_words"),
)
