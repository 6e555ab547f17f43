"""A ledger of a test's own: a small supply chain, a key, and the file of published checkpoints."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from psycopg2.extensions import connection as connection_type
from psycopg2.extensions import cursor as cursor_type

from audit.database_verification import DatabaseVerification, verify_database
from ledger.checkpoints import LedgerFinding
from ledger.integrator import Integrated, integrate
from ledger.log_config import LogConfig
from ledger.signed_note import Signer, make_key
from models.database.engines import Database
from tests import world
from tests.conftest import Cluster, opened
from tests.database_pool import DatabasePool

EVENTS = """
insert into transactions (product_id, cacao_batch_id, event, details, event_id, "timestamp")
select case when i %% 3 = 0 then 1 + i %% 2 end, case when i %% 3 > 0 then 1 + i %% 4 end, 'event ' || i,
  jsonb_build_object('kg', i + 0.5, 'to', jsonb_build_object('place', 'Zürich', 'by', array['x', 'y'])),
  'E' || i, '2026-05-01 00:00Z'::timestamptz + i * interval '1 hour'
from generate_series(%s, %s) i"""


@dataclass
class Kept:
    """A database and the configuration of its ledger."""

    database: Database
    log_config: LogConfig

    @property
    def signer(self) -> Signer:
        found = self.log_config.signer()
        assert found is not None
        return found

    @property
    def published(self) -> Path:
        assert self.log_config.published is not None
        return self.log_config.published

    def append(self, first: int, last: int) -> None:
        """Insert events with these numbers, which wait for the ledger."""
        with self.altering(triggers=True) as cursor:
            cursor.execute(EVENTS, (first, last))

    def integrate(self) -> Integrated:
        done = integrate(self.database, self.log_config)
        assert done is not None
        return done

    def verify_database(self, **given: Any) -> DatabaseVerification:
        return verify_database(self.database, [self.signer.key], self.published, **given)

    def first_bad(self) -> LedgerFinding:
        """Return the first error that the examination finds."""
        return self.verify_database().sorted()[0]

    @contextmanager
    def altering(self, *, triggers: bool = False) -> Iterator[cursor_type]:
        """Provide a superuser's cursor, with triggers off unless `triggers` is set."""
        with (
            closing(self.database.engine().raw_connection()) as raw,
            closing(cast("connection_type", raw.driver_connection).cursor()) as cursor,
        ):
            if not triggers:
                cursor.execute("set session_replication_role = replica")
            yield cursor
            cursor.execute("reset session_replication_role")
            raw.commit()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.database.reader() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]


@dataclass
class LedgerTemplate:
    """Databases with a ledger, and the folder of its key and its published checkpoints."""

    pool: DatabasePool
    folder: Path


@pytest.fixture(scope="session")
def ledger_template(
    cluster: Cluster, schema_template: str, tmp_path_factory: pytest.TempPathFactory
) -> LedgerTemplate:
    """Provide the world's five events and 25 more, in the ledger under two checkpoints: of 17 and of 30."""
    url, folder = cluster.create(schema_template), tmp_path_factory.mktemp("ledger")
    make_key(folder / "ledger.key")
    with opened(url) as database:
        world.renew(database)
        made = Kept(database, log_config_in(folder))
        made.append(6, 17)
        made.integrate()
        made.append(18, 30)
        made.integrate()
    return LedgerTemplate(DatabasePool(cluster, url), folder)


def log_config_in(folder: Path) -> LogConfig:
    return LogConfig("cacaotrace", folder / "ledger.key", folder / "ledger.checkpoints")


@pytest.fixture
def kept(ledger_template: LedgerTemplate, tmp_path: Path) -> Iterator[Kept]:
    """Provide the ledger of `ledger_template` and its files, of this test's own."""
    for file in ledger_template.folder.iterdir():
        shutil.copy2(file, tmp_path)
    with ledger_template.pool.database() as url, opened(url) as database:
        yield Kept(database, log_config_in(tmp_path))
