"""Alembic's way in. The caller brings the connection (`service.store.migrate` does): one transaction, a bounded lock."""

from alembic import context
from service.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
