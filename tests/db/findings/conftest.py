"""A world that breaks no rule, and an auditor of it."""

from collections.abc import Iterator

import pytest

from models.database.engines import Database
from tests.conftest import Cluster, opened
from tests.db.findings.sound import SOUND, Auditor, auditing
from tests.writing import run_sql


@pytest.fixture(scope="module")
def sound(cluster: Cluster, schema_template: str) -> Iterator[Database]:
    url = cluster.create(schema_template)
    with opened(url) as database:
        run_sql(database, SOUND.replace(":", "\\:"))
        yield database
    cluster.drop(url)


@pytest.fixture
def auditor(sound: Database) -> Iterator[Auditor]:
    with auditing(sound) as auditor:
        yield auditor
