"""Rules said once: a check of a stage, of kilograms or of JSON calls one function."""

from alembic import op

from models.migration.script import run_script

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Run the SQL file beside this module."""
    run_script(op.get_bind(), __file__)
