"""The lots of tests/db/balance/lots.py."""

from collections.abc import Iterator

import pytest

from models.database.engines import Database
from tests.conftest import Cluster, opened
from tests.database_pool import DatabasePool
from tests.db.balance.lots import LOTS
from tests.writing import run_sql


@pytest.fixture(scope="session")
def lots_pool(cluster: Cluster, schema_template: str) -> DatabasePool:
    """Databases with six lots."""
    url = cluster.create(schema_template)
    with opened(url) as database:
        run_sql(database, LOTS)
    return DatabasePool(cluster, url)


@pytest.fixture
def lots(lots_pool: DatabasePool) -> Iterator[Database]:
    """Provide a database of this test's own with six lots."""
    with lots_pool.database() as url, opened(url) as database:
        yield database
