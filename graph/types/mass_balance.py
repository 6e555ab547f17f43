"""MassBalanceAccount: what a site may still sell as certified; MassBalanceEntry: how that came about."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from graph.types.connection import Connection
from graph.types.node import Node, connection, field, node
from graph.types.scalar import BigInt, Date, DateTime, Decimal

if TYPE_CHECKING:
    from graph.types.cacao_batch import CacaoBatch
    from graph.types.manufacturer import Manufacturer
    from graph.types.supplier import Supplier


@strawberry.enum(description="Whether an entry adds to an account or takes from it.")
class EntryDirection(Enum):
    CREDIT = strawberry.enum_value("credit", description="Bought as certified: adds.")
    DEBIT = strawberry.enum_value("debit", description="Sold as certified: takes.")


@node(models.MassBalanceAccount, "Certified kilograms of a scheme at one site in one period.")
class MassBalanceAccount(Node):
    account_id: int = field("Number of the account.")
    scheme: str = field("Certification scheme.")
    period_from: Date = field("First day of the period.")
    period_to: Date = field("Last day of the period.")
    balance_kg: Decimal = field("Credits less debits, in kilograms; never below zero.")
    supplier: Annotated["Supplier", strawberry.lazy("graph.types.supplier")] | None = field(
        "The site; null if it is a manufacturer's."
    )
    manufacturer: Annotated["Manufacturer", strawberry.lazy("graph.types.manufacturer")] | None = (
        field("The site; null if it is a supplier's.")
    )
    entries: Connection[
        Annotated["MassBalanceEntry", strawberry.lazy("graph.types.mass_balance")]
    ] = connection("Its credits and debits.", of="MassBalanceEntry")


@node(models.MassBalanceEntry, "A credit or a debit of an account; never changed afterwards.")
class MassBalanceEntry(Node):
    entry_id: BigInt = field("Number of the entry.")
    direction: EntryDirection = field("Whether it adds or takes.")
    quantity_kg: Decimal = field("How much, in kilograms.")
    timestamp: DateTime = field("When, in UTC.")
    note: str | None = field("What else is known of it.")
    record_time: DateTime = field("When this database learned of it, in UTC.")
    recorded_by: str | None = field("Who recorded it, like `user:anna`.")
    account: MassBalanceAccount = field("The account.")
    cacao_batch: Annotated["CacaoBatch", strawberry.lazy("graph.types.cacao_batch")] | None = field(
        "The batch that was bought or sold, if it is known."
    )
