"""Alembic's way in: the caller (`service.store.migrate`) brings the connection, in a transaction of its own."""

from alembic import context

from service.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
