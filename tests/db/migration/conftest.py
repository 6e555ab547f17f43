"""Templates of earlier versions; tests clone them."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from models.database.engines import Database
from models.migration.migrate import VERSION_TABLE, migrate
from tests.conftest import Cluster, opened
from tests.db.migration.old import UNVERSIONED, apply_known, execute, load_rows, url_of


@pytest.fixture(scope="session")
def baseline_template(cluster: Cluster) -> str:
    """Provide the URL of a database as commit 50d0e70 made it, with its rows; nobody connects to it."""
    url = cluster.create()
    apply_known(url, "0001")
    load_rows(url)
    return url


@pytest.fixture
def baseline(cluster: Cluster, baseline_template: str) -> Iterator[Database]:
    """Provide a database of this test's own, as commit 50d0e70 made it, with rows."""
    url = cluster.create(baseline_template)
    with opened(url) as database:
        yield database
    cluster.drop(url)


@pytest.fixture
def stamped(baseline: Database) -> Database:
    """Provide the baseline with its version recorded, which is not compared with any catalogue again."""
    url = url_of(baseline)
    execute(url, f"{VERSION_TABLE}; INSERT INTO alembic_version VALUES ('0001')")
    return baseline


class Earlier:
    """Makes databases of earlier versions with the rows of 50d0e70."""

    def __init__(self, cluster: Cluster, template: str, stack: ExitStack) -> None:
        self._cluster, self._template, self._stack = cluster, template, stack

    def make(self, version: str) -> tuple[str, Database]:
        """Return a database of a version: as its commit made it, else by the migrations up to it."""
        if version in UNVERSIONED and version != "0001":
            url = self._cluster.create()
            apply_known(url, version)
            load_rows(url)
        else:
            url = self._cluster.create(self._template)
        self._stack.callback(self._cluster.drop, url)
        database = self._stack.enter_context(opened(url))
        if version not in UNVERSIONED:
            migrate(database.engine(), last=version)
        return url, database


@pytest.fixture
def earlier(cluster: Cluster, baseline_template: str) -> Iterator[Earlier]:
    with ExitStack() as stack:
        yield Earlier(cluster, baseline_template, stack)
