"""What can be imported: per kind its fields, what its rows refer to, and where they land.

Declarations only. In SQL fragments `s` is a staged row and `t` a row of the table. A field's name
is its column's in schema.sql; rows refer to others by id or by natural key.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from exchange.csv import cells
from exchange.csv.cells import CellType
from exchange.csv.refusals import Code


@dataclass(frozen=True)
class Field:
    """A value that a column of the file, or a constant, can provide."""

    name: str
    type: CellType
    required: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class NaturalKey:
    """One natural key by which a row can be named: all of `fields`, and `also` where given."""

    fields: tuple[str, ...]
    match: str
    also: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " + ".join(self.fields)


@dataclass(frozen=True)
class Reference:
    """A row of another table, named by its id in `column` or by one of `natural_keys`.

    Where `creates`, a row that is not found is made; of several the oldest is meant.
    """

    noun: str
    table: str
    key: str
    column: str
    natural_keys: tuple[NaturalKey, ...]
    creates: bool = False

    def all_keys(self) -> Iterator[NaturalKey]:
        yield NaturalKey((self.column,), f"t.{self.key} = s.{self.column}")
        yield from self.natural_keys

    def is_provided_by(self, fields: frozenset[str]) -> bool:
        """Whether these fields are enough for at least one natural_key."""
        return any(fields.issuperset(natural_key.fields) for natural_key in self.all_keys())

    def __str__(self) -> str:
        return " or ".join(map(str, self.all_keys()))


@dataclass(frozen=True)
class RowCheck:
    """Staged rows for which `condition` holds are refused; `reason` is an SQL text expression.

    `%(cleared)s` is the array of the columns in which an empty cell erases the known value.
    """

    code: Code
    condition: str
    reason: str


@dataclass(frozen=True)
class LateKey:
    """A key that a row of the table may get after it was stored.

    `same`: rows `t` and `s` agree in everything else that a row is recognised by; `group` are SQL
    expressions of `s` that are equal for staged rows that agree so.
    """

    column: str
    same: str
    group: tuple[str, ...]


@dataclass(frozen=True)
class Target:
    """The table that rows land in, and their natural key.

    `matches` find the row that a staged row is about; `identity` groups staged rows of one key.
    A `defaults` column starts with the default. `guarded` columns are part of what a row is: they
    do not change once other rows refer to it.
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
    """One kind of row. Of each of `choices`, a row refers to exactly one; `target` is None for
    uses, which land in two tables. `clearable` are the columns that may lose a known value.
    """

    name: str
    fields: tuple[Field, ...]
    target: Target | None
    references: tuple[Reference, ...] = ()
    choices: tuple[tuple[str, ...], ...] = ()
    checks: tuple[RowCheck, ...] = ()
    clearable: tuple[str, ...] = ()

    def reference(self, noun: str) -> Reference:
        return next(each for each in self.references if each.noun == noun)


def unless(column: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    """Columns that count towards a row's identity only where `column` is empty."""
    return tuple(f"case when s.{column} is null then s.{each} end" for each in columns)


def no_other_row_provides(column: str, key: tuple[str, ...]) -> str:
    """In SQL: no row of the file with the same key has a value of an empty cell of staged row `s`."""
    same = " and ".join(f"e.{each} = s.{each}" for each in key)
    return (
        f"not exists (select from import_rows e where e.code is null and {same}"
        f" and e.{column} is not null and '{column}' <> all (%(cleared)s))"
    )


def fields_of(type_: CellType, *names: str) -> tuple[Field, ...]:
    return tuple(Field(name, type_) for name in names)


def fields_of_supplier(prefix: str = "") -> tuple[Field, ...]:
    names = ("supplier_external_id", "supplier_name", "supplier_location")
    return (
        Field(f"{prefix}supplier_id", cells.ID),
        *fields_of(cells.NAME_CELL, *(prefix + name for name in names)),
    )


def refer_to_supplier(prefix: str = "") -> Reference:
    name, place = f"{prefix}supplier_name", f"{prefix}supplier_location"
    external = f"{prefix}supplier_external_id"
    return Reference(
        f"{prefix}supplier",
        "suppliers",
        "supplier_id",
        f"{prefix}supplier_id",
        (
            NaturalKey((external,), f"t.external_id = s.{external}"),
            NaturalKey((name, place), f"t.name = s.{name} and t.location = s.{place}"),
        ),
    )


def refer_to_batch(noun: str, prefix: str = "") -> Reference:
    lot, supplier = f"{prefix}lot_number", f"{prefix}supplier_id"
    same_supplier = f"(s.{supplier} is null or t.supplier_id = s.{supplier})"
    return Reference(
        noun,
        "cacao_batches",
        "cacao_batch_id",
        f"{noun}_id",
        (NaturalKey((lot,), f"t.lot_number = s.{lot} and {same_supplier}", (supplier,)),),
    )


PRODUCT = Reference(
    "product",
    "products",
    "product_id",
    "product_id",
    (
        NaturalKey(
            ("gtin",),
            "t.gtin = s.gtin and coalesce(t.batch_number, '') = coalesce(s.product_batch_number, '')",
            ("product_batch_number",),
        ),
    ),
)
# An event that is in the database already, not one of the same file.
CORRECTED = Reference(
    "corrected_event",
    "transactions",
    "transaction_id",
    "corrects",
    (NaturalKey(("corrects_event_id",), "t.event_id = s.corrects_event_id"),),
)
MANUFACTURER = Reference(
    "manufacturer",
    "manufacturers",
    "manufacturer_id",
    "manufacturer_id",
    (
        NaturalKey(
            ("manufacturer_name", "manufacturer_location"),
            "t.name = s.manufacturer_name and t.location = s.manufacturer_location",
        ),
    ),
    creates=True,
)
