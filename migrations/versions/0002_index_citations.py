"""Add indexes to find the events that cite a source, and the irritants of a status."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _cited("ix_events_cited_document", "((data -> 'source'::text) ->> 'document'::text)", "relation IS NOT NULL")
    _cited("ix_events_cited_origin", "((data -> 'source'::text) ->> 'origin'::text)", "relation IS NOT NULL")
    corrected = "type = 'AssertionCorrected'::text"
    changed = "((data -> 'changes'::text) -> 'source'::text)"
    _cited("ix_events_corrected_document", f"({changed} ->> 'document'::text)", corrected)
    _cited("ix_events_corrected_origin", f"({changed} ->> 'origin'::text)", corrected)
    op.create_index(
        "ix_read_models_facets",
        "read_models",
        ["facets"],
        postgresql_using="gin",
        postgresql_ops={"facets": "jsonb_path_ops"},
    )


def _cited(name: str, expression: str, where: str) -> None:
    op.create_index(name, "events", [sa.text(expression)], postgresql_where=sa.text(where))
