"""The environment of Alembic: runs migrations on the connection that models/migration gives it.

Migrations never run by `alembic upgrade`: it would skip the lock, the checks of rows and the privileges.
"""

from alembic import context

from models.migration.status import MIGRATE

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit(f"error: migrations run by: {MIGRATE}")
context.configure(connection=connection)
context.run_migrations()
