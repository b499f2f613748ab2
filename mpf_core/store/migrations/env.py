"""Runs migrations on the connection that `mpf_core.store.migration` gives."""

from alembic import context

from mpf_core.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
