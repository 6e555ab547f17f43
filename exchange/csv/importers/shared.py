"""Fields, references and SQL that several importers use."""

from exchange.csv import cells
from exchange.csv.cells import CellType
from exchange.csv.importers.declaration import Field, NaturalKey, Reference


def unless(column: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the SQL of columns that identify a row only if its `column` is empty."""
    return tuple(f"case when s.{column} is null then s.{each} end" for each in columns)


def no_other_row_provides(column: str, key: tuple[str, ...]) -> str:
    """Return the SQL of: no staged row with the key of `s` has a `column`."""
    same = " and ".join(f"e.{each} = s.{each}" for each in key)
    return (
        f"not exists (select from import_rows e where e.code is null and {same}"
        f" and e.{column} is not null and '{column}' <> all (%(cleared)s))"
    )


def fields_of(type_: CellType, *names: str) -> tuple[Field, ...]:
    """Fields of one type."""
    return tuple(Field(name, type_) for name in names)


def fields_of_supplier(prefix: str = "") -> tuple[Field, ...]:
    """Return the fields that can name a supplier."""
    names = ("supplier_external_id", "supplier_name", "supplier_location")
    return (
        Field(f"{prefix}supplier_id", cells.ID),
        *fields_of(cells.NAME_CELL, *(prefix + name for name in names)),
    )


def refer_to_supplier(prefix: str = "") -> Reference:
    """Return a reference to a supplier."""
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
    """Return a reference to a cacao batch by lot number and supplier.

    The supplier is optional.
    """
    lot, supplier = f"{prefix}lot_number", f"{prefix}supplier_id"
    same_supplier = f"(s.{supplier} is null or t.supplier_id = s.{supplier})"
    return Reference(
        noun,
        "cacao_batches",
        "cacao_batch_id",
        f"{noun}_id",
        (NaturalKey((lot,), f"t.lot_number = s.{lot} and {same_supplier}", (supplier,)),),
    )


PRODUCT_REFERENCE = Reference(
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
