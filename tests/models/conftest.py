"""The lots of tests/models/matter.py."""

import pytest

from models.database.engines import Database
from tests.models.matter import LOTS
from tests.models.writing import run_sql


@pytest.fixture
def lots(fresh: Database) -> Database:
    """A database of this test's own with six lots."""
    run_sql(fresh, LOTS)
    return fresh
