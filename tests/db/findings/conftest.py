"""A world that breaks no rule, and an auditor of it."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from models.database.engines import Database
from tests.conftest import Cluster, opened
from tests.db.findings.sound import SOUND, Auditor, auditing_by
from tests.writing import run_sql


@pytest.fixture(scope="module")
def sound(cluster: Cluster, schema_template: str) -> Iterator[Database]:
    url = cluster.create(schema_template)
    with opened(url) as database:
        run_sql(database, SOUND.replace(":", "\\:"))
        # Without statistics PostgreSQL expects thousands of rows, and takes four times as long.
        run_sql(database, "ANALYZE")
        yield database
    cluster.drop(url)


@pytest.fixture(scope="module")
def connection_to_sound(sound: Database) -> Iterator[Any]:
    """One connection for the module: it plans each statement once."""
    with closing(sound.engine().raw_connection()) as raw:
        yield raw


@pytest.fixture
def auditor(connection_to_sound: Any) -> Iterator[Auditor]:
    """Provide an auditor of the sound world, which is left as it was."""
    with auditing_by(connection_to_sound) as auditor:
        yield auditor
