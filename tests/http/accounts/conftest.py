"""Fixtures of the tests of accounts: anna, an admin, and an identity provider."""

from collections.abc import Iterator

import pytest

from models.database.engines import Database
from tests.conftest import Cluster, opened
from tests.database_pool import DatabasePool
from tests.http.accounts.provider import Provider, providing
from tests.writing import make_user


@pytest.fixture(scope="session")
def anna_pool(cluster: Cluster, schema_template: str) -> DatabasePool:
    """Databases whose only user is anna, an admin."""
    url = cluster.create(schema_template)
    with opened(url) as database:
        make_user(database, "anna", "admin")
    return DatabasePool(cluster, url)


@pytest.fixture
def anna(anna_pool: DatabasePool) -> Iterator[Database]:
    """Provide a database whose only user is anna, an admin."""
    with anna_pool.database() as url, opened(url) as database:
        yield database


@pytest.fixture
def provider() -> Iterator[Provider]:
    """Provide a provider that publishes an RSA, an EC and an Ed25519 key."""
    with providing() as found:
        yield found
