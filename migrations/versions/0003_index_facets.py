"""Add indexes to list the irritants of a status and the rounds of a phase in order, without sorting them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for facet in ("status", "basis", "lifecycle", "awaiting", "phase"):
        expression = f"(facets ->> '{facet}'::text)"
        op.create_index(
            f"ix_read_models_{facet}",
            "read_models",
            ["name", "representation", sa.text(expression), "key"],
            postgresql_where=sa.text(f"{expression} IS NOT NULL"),
        )
    op.drop_index("ix_read_models_facets", "read_models")
