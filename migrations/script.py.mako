"""${message}."""

from alembic import op

from models.migration.checks import Check
from models.migration.script import run_script

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}

# Rows that this migration refuses, found in the schema before it.
CHECKS: tuple[Check, ...] = ()


def upgrade() -> None:
    """Run the SQL file beside this module."""
    run_script(op.get_bind(), __file__)
