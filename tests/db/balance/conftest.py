"""The lots of tests/db/balance/matter.py."""

import pytest

from models.database.engines import Database
from tests.db.balance.matter import LOTS
from tests.writing import run_sql


@pytest.fixture
def lots(fresh: Database) -> Database:
    """A database of this test's own with six lots."""
    run_sql(fresh, LOTS)
    return fresh
