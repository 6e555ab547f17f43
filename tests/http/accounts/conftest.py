"""Who is there in the tests of the graph: anna the admin, and an identity provider."""

from collections.abc import Iterator

import pytest

from models.database.engines import Database
from tests.http.accounts.provider import Provider, providing
from tests.writing import make_user


@pytest.fixture
def anna(fresh: Database) -> Database:
    """A database whose only user is anna, an admin."""
    make_user(fresh, "anna", "admin")
    return fresh


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider that publishes an RSA, an EC and an Ed25519 key."""
    with providing() as found:
        yield found
