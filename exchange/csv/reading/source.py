"""The interface of a file of rows: a header, and records with their line numbers."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from exchange.csv.rejections import RowError

# The first columns of a reject file.
REJECT_COLUMNS = ("import_line", "import_code", "import_reason")


class SheetCell(str):
    """A cell of a sheet that is a number, or that has no usable value.

    The text of a number has a decimal point. `problem` says why a cell has no value.
    """

    problem: RowError | None = None

    @property
    def is_number(self) -> bool:
        return self.problem is None

    @classmethod
    def without_value(cls, text: str, problem: RowError) -> Self:
        """Return a cell without a usable value."""
        cell = cls(text)
        cell.problem = problem
        return cell


@dataclass(frozen=True, slots=True)
class CsvRecord:
    """One record: the physical line (from 1) on which it starts, and its cells.

    A record with malformed quotes has one cell, its raw text, and a `problem`.
    """

    line: int
    cells: list[str]
    problem: RowError | None = None


class Source(ABC):
    """An open file of rows. The records can be read once.

    `delimiter` is that of the file, or of its reject file if the file is XLSX; `is_reject` says whether the
    file is itself a reject file.
    """

    path: Path
    size: int
    header: tuple[str, ...]
    delimiter: str
    is_reject: bool

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    @abstractmethod
    def position(self) -> int:
        """Return the number of bytes read so far."""

    @abstractmethod
    def records(self) -> Iterator[CsvRecord]:
        """Return the records below the header, without empty ones."""
