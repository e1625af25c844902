"""Add an index of the words of hits that an audience sees differently, for its searches."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_index(
        "ix_variants_words",
        "variants",
        [sa.text("array_to_tsvector(string_to_array(facets ->> 'words'::text, ' '::text))")],
        postgresql_using="gin",
        postgresql_where=sa.text("(facets ->> 'words'::text) IS NOT NULL"),
    )
