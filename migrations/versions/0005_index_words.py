"""Add an index of the words of hits, for the search."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_index(
        "ix_read_models_words",
        "read_models",
        [sa.text("array_to_tsvector(string_to_array(facets ->> 'words'::text, ' '::text))")],
        postgresql_using="gin",
        postgresql_where=sa.text("(facets ->> 'words'::text) IS NOT NULL"),
    )
