"""Mass balance accounts of sites, and their credits and debits."""

from enum import Enum

import strawberry

from graph.auth.roles import SIGNED_IN, STAFF
from graph.types.node import Node, field, node, relation, root_connection
from graph.types.scalar import Date, DateTime, Decimal


@strawberry.enum(description="Whether an entry is added to the balance or subtracted from it.")
class EntryDirection(Enum):
    CREDIT = strawberry.enum_value(
        "credit", description="Kilograms bought as certified, which are added."
    )
    DEBIT = strawberry.enum_value(
        "debit", description="Kilograms sold as certified, which are subtracted."
    )


@root_connection("mass_balance_accounts", "Mass balance accounts of all sites.", roles=SIGNED_IN)
@node("The certified kilograms of a scheme at one site in one period.", roles=SIGNED_IN)
class MassBalanceAccount(Node):
    account_id: int = field("Number of the account.")
    scheme: str = field("Certification scheme.")
    period_from: Date = field("First day of the period.")
    period_to: Date = field("Last day of the period.")
    balance_kg: Decimal = field("Credits less debits, in kilograms; never below zero.")
    supplier = relation("The site; null if it is the site of a manufacturer.")
    manufacturer = relation("The site; null if it is the site of a supplier.")
    entries = relation("The credits and debits of the account.")


@node("A credit or a debit of an account; never changed afterwards.", roles=SIGNED_IN)
class MassBalanceEntry(Node):
    entry_id: int = field("Number of the entry.")
    direction: EntryDirection = field("Whether the kilograms are added or subtracted.")
    quantity_kg: Decimal = field("Mass, in kilograms.")
    timestamp: DateTime = field("Time of the purchase or sale, in UTC.")
    note: str | None = field("A note of the writer.")
    record_time: DateTime = field("Time at which it was recorded, in UTC.")
    recorded_by: str | None = field("The actor that recorded it, like `user:anna`.", roles=STAFF)
    account: MassBalanceAccount = field("The account.")
    cacao_batch = relation("The batch that was bought or sold, if it is known.")
