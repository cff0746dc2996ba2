"""What Alembic runs for every command, on the connection that it was given."""

from __future__ import annotations

from alembic import context

from reference_services.platform.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
