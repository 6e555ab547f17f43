"""Baseline: the schema of commit 50d0e70, at which databases without a version exist."""

from alembic import op

from models.migration.schema_file import KNOWN
from models.migration.script import run_script

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply the schema of the baseline."""
    run_script(op.get_bind(), KNOWN / "v0001.sql")
