"""Index reports by relation, by operator and by both, so that a page of their lists reads only its own reports."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    for columns in (["relation"], ["actor"], ["actor", "relation"]):
        op.create_index(f"ix_reports_{'_'.join(columns)}_last_position", "reports", [*columns, "last_position"])
    op.drop_index("ix_reports_relation_first_position", "reports")
