"""The secret that signs the sessions of people, shared by every process on the record."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    # In `head`, which the service's role may read already: a new table would need a grant in every installation.
    secret = sa.text(f"decode('{secrets.token_hex(32)}', 'hex')")
    op.add_column("head", sa.Column("session_secret", sa.LargeBinary, nullable=False, server_default=secret))
    op.alter_column("head", "session_secret", server_default=None)
