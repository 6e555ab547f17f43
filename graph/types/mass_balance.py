"""MassBalanceAccount: what a site may still sell as certified; MassBalanceEntry: how that came about."""

from enum import Enum

import strawberry

from graph.auth.roles import SIGNED_IN, STAFF
from graph.types.node import Node, field, node, relation, root_connection
from graph.types.scalar import Date, DateTime, Decimal


@strawberry.enum(description="Whether an entry adds to an account or takes from it.")
class EntryDirection(Enum):
    CREDIT = strawberry.enum_value("credit", description="Bought as certified: adds.")
    DEBIT = strawberry.enum_value("debit", description="Sold as certified: takes.")


@root_connection("mass_balance_accounts", "Mass balance accounts of all sites.", roles=SIGNED_IN)
@node("Certified kilograms of a scheme at one site in one period.", roles=SIGNED_IN)
class MassBalanceAccount(Node):
    account_id: int = field("Number of the account.")
    scheme: str = field("Certification scheme.")
    period_from: Date = field("First day of the period.")
    period_to: Date = field("Last day of the period.")
    balance_kg: Decimal = field("Credits less debits, in kilograms; never below zero.")
    supplier = relation("The site; null if it is a manufacturer's.")
    manufacturer = relation("The site; null if it is a supplier's.")
    entries = relation("Its credits and debits.")


@node("A credit or a debit of an account; never changed afterwards.", roles=SIGNED_IN)
class MassBalanceEntry(Node):
    entry_id: int = field("Number of the entry.")
    direction: EntryDirection = field("Whether it adds or takes.")
    quantity_kg: Decimal = field("How much, in kilograms.")
    timestamp: DateTime = field("When, in UTC.")
    note: str | None = field("What else is known of it.")
    record_time: DateTime = field("When this database learned of it, in UTC.")
    recorded_by: str | None = field("Who recorded it, like `user:anna`.", roles=STAFF)
    account: MassBalanceAccount = field("The account.")
    cacao_batch = relation("The batch that was bought or sold, if it is known.")
