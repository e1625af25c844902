"""Create the tables: head, events, reports, stored documents and keys. Add the triggers that protect the record."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0001"
down_revision = None


def upgrade() -> None:
    _head()
    _events()
    _reports()
    _read_models()
    _keys()
    _protect()


def _head() -> None:
    op.create_table(
        "head",
        sa.Column("one", sa.Boolean, server_default=sa.true(), nullable=False),
        sa.Column("record", sa.Uuid, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("chain_hash", sa.LargeBinary, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("keys_version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("one", name="pk_head"),
        sa.CheckConstraint("one", name="ck_head_one_row"),
    )
    op.execute("""
        INSERT INTO head (record, position, chain_hash, recorded_at, keys_version)
        VALUES (gen_random_uuid(), 0, decode(repeat('00', 32), 'hex'), 'epoch', 0)
    """)


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("position", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("schema_version", sa.SmallInteger, nullable=False),
        sa.Column("data", JSONB, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("report", sa.Uuid, nullable=False),
        sa.Column("correlation", sa.Text, nullable=False),
        sa.Column("causation", sa.Uuid),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("chain_hash", sa.LargeBinary, nullable=False),
        sa.Column(
            "relation",
            sa.Text,
            sa.Computed(
                "CASE WHEN split_part(stream, '/'::text, 1) = 'source'::text THEN NULL::text"
                " ELSE split_part(stream, '/'::text, 2) END",
                persisted=True,
            ),
        ),
        sa.PrimaryKeyConstraint("position", name="pk_events"),
        sa.UniqueConstraint("stream", "version", name="uq_events_stream_version"),
        sa.UniqueConstraint("id", name="uq_events_id"),
    )
    op.create_index(
        "ix_events_relation_position",
        "events",
        ["relation", "position"],
        postgresql_where=sa.text("relation IS NOT NULL"),
    )
    op.create_index("ix_events_type_position", "events", ["type", "position"])
    op.create_index(
        "uq_events_origin",
        "events",
        [sa.text("(data ->> 'origin'::text)")],
        unique=True,
        postgresql_where=sa.text("type = 'OriginRegistered'::text"),
    )


def _reports() -> None:
    op.create_table(
        "reports",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("request_hash", sa.LargeBinary, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("relation", sa.Text, nullable=False),
        sa.Column("round", sa.Text),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("first_position", sa.BigInteger, nullable=False),
        sa.Column("last_position", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reports"),
        sa.UniqueConstraint("key", name="uq_reports_key"),
        sa.UniqueConstraint("first_position", name="uq_reports_first_position"),
        sa.CheckConstraint("first_position <= last_position", name="ck_reports_not_empty"),
    )
    op.create_index("ix_reports_recorded_at", "reports", ["recorded_at"])
    op.create_index("ix_reports_relation_first_position", "reports", ["relation", "first_position"])
    op.create_index(
        "ix_reports_round_first_position",
        "reports",
        ["round", "first_position"],
        postgresql_where=sa.text("round IS NOT NULL"),
    )


def _read_models() -> None:
    op.create_table(
        "read_models",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("representation", sa.Integer, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("relation", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("facets", JSONB, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("name", "representation", "key", name="pk_read_models"),
    )
    op.create_index("ix_read_models_position", "read_models", ["position"])
    op.create_index(
        "ix_read_models_name_representation_relation_key",
        "read_models",
        ["name", "representation", "relation", "key"],
    )


def _keys() -> None:
    op.create_table(
        "keys",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scopes", ARRAY(sa.Text), nullable=False),
        sa.Column("relations", ARRAY(sa.Text)),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_keys"),
    )


def _protect() -> None:
    # For each statement and not for each row, so that even a statement that changes no row is refused.
    op.execute("""
        CREATE FUNCTION refuse_to_rewrite_history() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          RAISE EXCEPTION '% of % is refused: what was recorded stays on record', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation', HINT = 'File a correction or a retraction.';
        END $$
    """)
    for table in ("events", "reports"):
        op.execute(f"""
            CREATE TRIGGER protect_{table} BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_history()
        """)
    op.execute("""
        CREATE TRIGGER protect_head BEFORE DELETE OR TRUNCATE ON head
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_history()
    """)
    # PostgreSQL checks the condition without calling the function, so appends are not slower. The id of the record may
    # change only while the record is empty, by an import.
    op.execute("""
        CREATE TRIGGER head_only_moves_forward BEFORE UPDATE ON head FOR EACH ROW WHEN (
          NEW.position < OLD.position
          OR NEW.keys_version < OLD.keys_version
          OR NEW.recorded_at < OLD.recorded_at
          OR (NEW.position = OLD.position AND (NEW.chain_hash, NEW.recorded_at) <> (OLD.chain_hash, OLD.recorded_at))
          OR (NEW.record <> OLD.record AND OLD.position > 0)
        ) EXECUTE FUNCTION refuse_to_rewrite_history()
    """)
    for table, trigger in (
        ("events", "protect_events"),
        ("reports", "protect_reports"),
        ("head", "protect_head"),
        ("head", "head_only_moves_forward"),
    ):
        # ALWAYS, because ordinary triggers do not run with session_replication_role = replica.
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")
