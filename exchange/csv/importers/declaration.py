"""The parts of an importer: fields, references, checks and target table.

In SQL fragments `s` is a staged row and `t` a row of the table. A field is named after its column in
schema.sql.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from exchange.csv.cells import CellType
from exchange.csv.rejections import Code


@dataclass(frozen=True)
class Field:
    """A value that a column of the file, or a constant, can provide."""

    name: str
    type: CellType
    required: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class NaturalKey:
    """A natural key that identifies a row.

    It consists of all `fields`, and of those of `optional` that are provided. `match` is the SQL condition
    under which row `t` is the one that staged row `s` names.
    """

    fields: tuple[str, ...]
    match: str
    optional: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " + ".join(self.fields)


@dataclass(frozen=True)
class Reference:
    """A row of another table, named by its id in `column` or by one of `natural_keys`.

    If `creates`, a row that does not exist is inserted, and of several rows the oldest is taken.
    """

    noun: str
    table: str
    key: str
    column: str
    natural_keys: tuple[NaturalKey, ...]
    creates: bool = False

    def all_keys(self) -> Iterator[NaturalKey]:
        """Yield the id and the natural keys."""
        yield NaturalKey((self.column,), f"t.{self.key} = s.{self.column}")
        yield from self.natural_keys

    def is_provided_by(self, fields: frozenset[str]) -> bool:
        """Whether these fields contain all fields of at least one key."""
        return any(fields.issuperset(natural_key.fields) for natural_key in self.all_keys())

    def __str__(self) -> str:
        return " or ".join(map(str, self.all_keys()))


@dataclass(frozen=True)
class RowCheck:
    """A check that rejects the staged rows for which `condition` holds.

    `reason` is an SQL text expression. The parameter `%(cleared)s` is the array of the columns in which
    an empty cell erases the stored value.
    """

    code: Code
    condition: str
    reason: str


@dataclass(frozen=True)
class LateKey:
    """A key that a row of the table may get after it was inserted.

    `same` is the condition under which rows `t` and `s` agree in everything else that identifies a row.
    `group` are SQL expressions of `s`; staged rows that agree in this sense have equal values of them.
    """

    column: str
    same: str
    group: tuple[str, ...]


@dataclass(frozen=True)
class Target:
    """The table that rows are written to, and its natural key.

    `matches` are the conditions under which row `t` is the one that staged row `s` is about. `identity`
    are the expressions that are equal for staged rows with one key. `defaults` are the SQL values of empty
    cells of new rows. The columns of `guarded` do not change once other rows refer to a row.
    """

    table: str
    key: str
    columns: tuple[str, ...]
    matches: tuple[str, ...]
    identity: tuple[str, ...]
    defaults: tuple[tuple[str, str], ...] = ()
    append_only: bool = False
    late_key: LateKey | None = None
    guarded: tuple[str, ...] = ()


@dataclass(frozen=True)
class Importer:
    """What a file of one kind contains.

    A row refers to exactly one of each of `choices`, which are nouns of `references`. `target` is None for
    uses, which are written to two tables. `clearable` are the columns whose value an empty cell may erase.
    """

    name: str
    fields: tuple[Field, ...]
    target: Target | None
    references: tuple[Reference, ...] = ()
    choices: tuple[tuple[str, ...], ...] = ()
    checks: tuple[RowCheck, ...] = ()
    clearable: tuple[str, ...] = ()

    def reference(self, noun: str) -> Reference:
        """Return the reference of this noun."""
        return next(each for each in self.references if each.noun == noun)
