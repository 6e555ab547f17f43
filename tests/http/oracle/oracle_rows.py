"""All rows of a small database in memory, and the edges between them in dictionaries.

The relations are spelled out here a second time, so that a wrong one in the server shows. Refuses
to know of GraphQL beyond the names of types and fields.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

import models
from models.database.engines import Database

KEYS: dict[type[models.Base], str] = {
    models.Product: "product_id",
    models.CacaoBatch: "cacao_batch_id",
    models.Supplier: "supplier_id",
    models.Manufacturer: "manufacturer_id",
    models.Transaction: "transaction_id",
    models.Plot: "plot_id",
    models.Certificate: "certificate_id",
    models.DueDiligenceStatement: "statement_id",
    models.Loss: "loss_id",
    models.Hold: "hold_id",
    models.Flag: "flag_id",
    models.ConversionFactor: "conversion_factor_id",
    models.MassBalanceAccount: "account_id",
    models.MassBalanceEntry: "entry_id",
    models.User: "user_id",
    models.APIKey: "api_key_id",
    models.Change: "change_id",
    models.LedgerCheckpoint: "size",
}
# Owner and field of the one; the foreign key that names it; the field of the many on its side.
TO_ONE = {
    ("Product", "manufacturer"): ("Manufacturer", "manufacturer_id", "products"),
    ("CacaoBatch", "supplier"): ("Supplier", "supplier_id", "cacaoBatches"),
    ("Plot", "supplier"): ("Supplier", "supplier_id", "plots"),
    ("Certificate", "supplier"): ("Supplier", "supplier_id", "certificates"),
    ("Transaction", "product"): ("Product", "product_id", "transactions"),
    ("Transaction", "cacaoBatch"): ("CacaoBatch", "cacao_batch_id", "transactions"),
    ("Transaction", "corrects"): ("Transaction", "corrects_id", "corrections"),
    ("Loss", "cacaoBatch"): ("CacaoBatch", "cacao_batch_id", "losses"),
    ("Hold", "cacaoBatch"): ("CacaoBatch", "cacao_batch_id", "holds"),
    ("Flag", "cacaoBatch"): ("CacaoBatch", "cacao_batch_id", "flags"),
    ("MassBalanceAccount", "supplier"): ("Supplier", "supplier_id", "massBalanceAccounts"),
    ("MassBalanceAccount", "manufacturer"): (
        "Manufacturer",
        "manufacturer_id",
        "massBalanceAccounts",
    ),
    ("MassBalanceEntry", "account"): ("MassBalanceAccount", "account_id", "entries"),
    ("MassBalanceEntry", "cacaoBatch"): ("CacaoBatch", "cacao_batch_id", "massBalanceEntries"),
}
# An association; for both of its ends the type, its key there, and the field that leads away.
MANY_TO_MANY: tuple[tuple[type[models.Base], tuple[str, str, str], tuple[str, str, str]], ...] = (
    (
        models.ProductCacaoBatch,
        ("Product", "product_id", "cacaoBatches"),
        ("CacaoBatch", "cacao_batch_id", "products"),
    ),
    (
        models.CacaoBatchInput,
        ("CacaoBatch", "output_batch_id", "inputs"),
        ("CacaoBatch", "input_batch_id", "outputs"),
    ),
    (
        models.CacaoBatchPlot,
        ("CacaoBatch", "cacao_batch_id", "plots"),
        ("Plot", "plot_id", "cacaoBatches"),
    ),
    (
        models.ProductStatement,
        ("Product", "product_id", "statements"),
        ("DueDiligenceStatement", "statement_id", "products"),
    ),
    (
        models.CacaoBatchStatement,
        ("CacaoBatch", "cacao_batch_id", "statements"),
        ("DueDiligenceStatement", "statement_id", "cacaoBatches"),
    ),
    (
        models.HoldBatch,
        ("Hold", "hold_id", "cacaoBatches"),
        ("CacaoBatch", "cacao_batch_id", "heldBy"),
    ),
    (
        models.HoldProduct,
        ("Hold", "hold_id", "products"),
        ("Product", "product_id", "heldBy"),
    ),
)
# Columns whose values are in capitals where the API names them.
ENUMS = {
    ("CacaoBatch", "stage"),
    ("CacaoBatch", "custody"),
    ("User", "role"),
    ("APIKey", "role"),
    ("Loss", "reason"),
    ("Flag", "rule"),
    ("ConversionFactor", "fromStage"),
    ("ConversionFactor", "toStage"),
    ("MassBalanceEntry", "direction"),
}


@dataclass(frozen=True)
class Edge:
    """A row as an entry of a connection, with the kg along the way to it."""

    row: models.Base
    quantity_kg: Decimal | None = None


def attribute(field: str) -> str:
    """`harvestDate` -> `harvest_date`."""
    return re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), field)


def type_name(row: models.Base) -> str:
    return type(row).__name__


def key_of(row: models.Base) -> int:
    return int(getattr(row, KEYS[type(row)]))


class Rows:
    """The tables by type and primary key, and where each row's fields lead."""

    def __init__(self, database: Database) -> None:
        self.tables: dict[str, dict[int, models.Base]] = {}
        self._many: dict[tuple[str, str], dict[int, list[Edge]]] = {}
        with database.session() as session:
            for model in KEYS:
                self.tables[model.__name__] = {key_of(row): row for row in read(session, model)}
            associations = [(read(session, model), near, far) for model, near, far in MANY_TO_MANY]
        for entries, near, far in associations:
            self._connect(entries, near, far)
            self._connect(entries, far, near)
        for (owner, _field), (target, foreign_key, reverse) in TO_ONE.items():
            self._reverse(self.tables[owner].values(), foreign_key, (target, reverse))
        self._cover()

    def _connect(
        self,
        entries: Iterable[models.Base],
        near: tuple[str, str, str],
        far: tuple[str, str, str],
    ) -> None:
        found: dict[int, list[Edge]] = defaultdict(list)
        for entry in entries:
            row = self.tables[far[0]][getattr(entry, far[1])]
            found[getattr(entry, near[1])].append(Edge(row, getattr(entry, "quantity_kg", None)))
        self._many[near[0], near[2]] = found

    def _reverse(
        self, rows: Iterable[models.Base], foreign_key: str, place: tuple[str, str]
    ) -> None:
        found: dict[int, list[Edge]] = defaultdict(list)
        for row in rows:
            found[getattr(row, foreign_key)].append(Edge(row))
        self._many[place] = found

    def _cover(self) -> None:
        """Certificates of a batch's supplier in its scheme, valid on its day."""
        found: dict[int, list[Edge]] = defaultdict(list)
        covered: dict[int, list[Edge]] = defaultdict(list)
        for batch in self.tables["CacaoBatch"].values():
            assert isinstance(batch, models.CacaoBatch)
            if batch.supplier_id is None:
                continue
            day = batch.production_date or batch.harvest_date
            for held in self._many["Supplier", "certificates"][batch.supplier_id]:
                certificate = held.row
                assert isinstance(certificate, models.Certificate)
                if (
                    certificate.scheme == batch.certification
                    and day
                    and certificate.valid_from <= day <= certificate.valid_to
                ):
                    found[batch.cacao_batch_id].append(Edge(certificate))
                    covered[certificate.certificate_id].append(Edge(batch))
        self._many["CacaoBatch", "coveringCertificates"] = found
        self._many["Certificate", "cacaoBatches"] = covered

    def one(self, row: models.Base, field: str) -> models.Base | None:
        """What a to-one field shows."""
        target, foreign_key, _ = TO_ONE[type_name(row), field]
        return self.tables[target].get(getattr(row, foreign_key))

    def many(self, row: models.Base, field: str) -> list[Edge]:
        """What a connection field holds, in no order."""
        return self._many[type_name(row), field].get(key_of(row), [])

    def is_one(self, owner: str, field: str) -> bool:
        return (owner, field) in TO_ONE

    def is_many(self, owner: str, field: str) -> bool:
        return (owner, field) in self._many

    def everything(self, name: str) -> list[Edge]:
        """A whole table, as the connection at the root holds it."""
        return [Edge(row) for row in self.tables[name].values()]

    def column(self, row: models.Base, field: str) -> Any:
        """A column's Python value; enums are in capitals, as the API names them."""
        value = getattr(row, attribute(field))
        return value.upper() if value and (type_name(row), field) in ENUMS else value


def read(session: Session, model: type[models.Base]) -> list[models.Base]:
    return list(session.scalars(select(model)))
