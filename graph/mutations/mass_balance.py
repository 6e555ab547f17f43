"""Mutations of mass balance accounts. There is no update of an entry: book the contrary."""

from decimal import Decimal as PythonDecimal
from typing import cast

import strawberry
from sqlalchemy.orm import Session

import models
from graph.auth.roles import WRITERS
from graph.mutations.field import mutation
from graph.mutations.input import (
    MutationInput,
    check_kilograms,
    choose_one,
    find_reference,
    insert_row,
    optional,
    reference,
    refers,
    required,
    values_of,
    write_input,
)
from graph.mutations.payload import mutation_fields, payload, written
from graph.mutations.write import Written
from graph.types.mass_balance import EntryDirection, MassBalanceAccount, MassBalanceEntry
from graph.types.scalar import Date, DateTime, Decimal


@write_input("A new account of a scheme at one site for one period.")
class OpenMassBalanceAccountInput(MutationInput):
    scheme: str = required("Certification scheme.")
    period_from: Date = required("First day of the period.")
    period_to: Date = required("Last day of the period.")
    supplier: strawberry.ID | None = reference(
        "The site; or provide `manufacturer`.", former="supplier_id"
    )
    manufacturer: strawberry.ID | None = reference(
        "The site; or provide `supplier`.", former="manufacturer_id"
    )


@write_input("A credit or a debit of an account.")
class RecordMassBalanceInput(MutationInput):
    account: strawberry.ID | None = reference("The account.", former="account_id")
    direction: EntryDirection = required("Whether it adds or takes.")
    quantity_kg: Decimal = required("Mass, in kilograms; at most three decimals.")
    cacao_batch: strawberry.ID | None = reference(
        "The batch that was bought or sold; may be omitted.", former="cacao_batch_id"
    )
    timestamp: DateTime | None = optional(
        "When, within the account's period in UTC; now, if left out."
    )
    note: str | None = optional("A note.")


@payload("The account that was opened.")
class OpenMassBalanceAccountPayload:
    account: MassBalanceAccount | None = written("The account.")


@payload("The entry that was recorded, and its account.")
class RecordMassBalancePayload:
    entry: MassBalanceEntry | None = written("The entry.")
    account: MassBalanceAccount | None = written("Its account, with what is left on it.")


def open_account(session: Session, input: OpenMassBalanceAccountInput) -> Written:
    values = values_of(input, "scheme", "period_from", "period_to")
    site = choose_one(input, "supplier", "manufacturer")
    model = models.Supplier if site == "supplier" else models.Manufacturer
    values[f"{site}_id"] = find_reference(session, model, input, site)
    return {"account": insert_row(session, models.MassBalanceAccount, values)}


def record_entry(session: Session, input: RecordMassBalanceInput) -> Written:
    account = find_reference(session, models.MassBalanceAccount, input, "account")
    check_kilograms(cast(PythonDecimal, input.quantity_kg))
    provided = values_of(input, "quantity_kg", "timestamp", "note")
    values = {name: value for name, value in provided.items() if value is not None}
    if refers(input, "cacao_batch"):
        batch = find_reference(session, models.CacaoBatch, input, "cacao_batch")
        values["cacao_batch_id"] = batch
    values |= {"account_id": account, "direction": input.direction.value}
    entry = insert_row(session, models.MassBalanceEntry, values)
    return {"entry": entry, "account": account}


@mutation_fields
class MassBalanceMutation:
    open_mass_balance_account = mutation(
        "Open a mass balance account of a scheme at a site for a period.",
        OpenMassBalanceAccountInput,
        OpenMassBalanceAccountPayload,
        open_account,
        roles=WRITERS,
    )
    record_mass_balance = mutation(
        "Credit or debit a mass balance account, which is never overdrawn.",
        RecordMassBalanceInput,
        RecordMassBalancePayload,
        record_entry,
        roles=WRITERS,
    )
