"""Add the secret that signs the sessions of people. All processes of the service share it."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    # A column of `head`, because a new table would need a GRANT for the role of the service in every installation.
    secret = sa.text(f"decode('{secrets.token_hex(32)}', 'hex')")
    op.add_column("head", sa.Column("session_secret", sa.LargeBinary, nullable=False, server_default=secret))
    op.alter_column("head", "session_secret", server_default=None)
