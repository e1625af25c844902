"""Run the migrations. Alembic calls this file. `service.store.migrate` gives it a connection in a transaction."""

from alembic import context

from service.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
