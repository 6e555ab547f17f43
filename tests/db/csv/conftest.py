"""Fixtures of the import's tests: a loader of CSV text, a reader of rows, the real files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from exchange.csv.importing import import_csv
from exchange.csv.report.import_report import ImportReport
from models.database.engines import Database

DATA = Path(__file__).parents[4] / "shared" / "data"


@dataclass
class Loader:
    """Imports CSV text into one database, and reads back what is there."""

    database: Database
    folder: Path

    def __call__(
        self,
        kind: str,
        content: str | bytes | Path,
        *,
        mapping: Mapping[str, str] | None = None,
        constants: Mapping[str, str] | None = None,
        **options: Any,
    ) -> ImportReport:
        path = content if isinstance(content, Path) else self.save(content)
        return import_csv(
            self.database, kind, path, mapping=mapping or {}, constants=constants or {}, **options
        )

    def save(self, content: str | bytes) -> Path:
        path = self.folder / "file.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def execute(self, sql: str) -> None:
        with self.database.session() as session:
            session.execute(text(sql))
            session.commit()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.database.reader() as connection:
            return [tuple(row) for row in connection.execute(text(sql))]

    def count(self, table: str) -> int:
        return int(self.rows(f"select count(*) from {table}")[0][0])


@pytest.fixture
def load(fresh: Database, tmp_path: Path) -> Loader:
    return Loader(fresh, tmp_path)


@pytest.fixture
def real() -> Callable[[str], Path]:
    """Provide a real data file by its path; the test is skipped where the data is not there."""

    def find(name: str) -> Path:
        path = DATA / name
        if not path.exists():
            pytest.skip(f"no real data at ../shared/data/{name}")
        return path

    return find
