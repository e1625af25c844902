"""Let events have a handling label, and show each audience the record without what is withheld from it.

`withheld` has the present rank of each event above `open`. `variants` has the stored documents of an audience where
they differ from those of the whole record. The views in the schema `<schema>_audience` are the record for the audience
whose rank is in the setting `irritants.clearance` of the session.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("events", sa.Column("handling", sa.Text))
    op.add_column("events", sa.Column("salt", sa.LargeBinary))
    op.add_column("head", sa.Column("highest", sa.SmallInteger, server_default="0", nullable=False))
    op.add_column("head", sa.Column("relabelled", sa.BigInteger, server_default="0", nullable=False))
    op.add_column("keys", sa.Column("clearance", sa.Text, server_default="open", nullable=False))
    _labels()
    op.create_table(
        "withheld",
        sa.Column("position", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("rank", sa.SmallInteger, nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_withheld"),
    )
    _variants()


def _labels() -> None:
    op.create_table(
        "labels",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("rank", sa.SmallInteger, nullable=False),
        sa.Column("relabelled", sa.BigInteger, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_labels"),
        sa.UniqueConstraint("rank", name="uq_labels_rank"),
    )
    op.execute("INSERT INTO labels (name, rank) VALUES ('open', 0), ('restricted', 500)")


def _variants() -> None:
    op.create_table(
        "variants",
        sa.Column("rank", sa.SmallInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("representation", sa.Integer, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("relation", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("facets", JSONB, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.PrimaryKeyConstraint("rank", "name", "representation", "key", name="pk_variants"),
    )
    op.create_index("ix_variants_rank_position", "variants", ["rank", "position"])
    op.create_index("ix_variants_stream", "variants", ["stream"])
