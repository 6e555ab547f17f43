"""Errors of the domain: one class for each case, with a stable code.

`violation_of` returns the error for a constraint that PostgreSQL reports as violated. Attribute names
are those of the models; the GraphQL layer writes them in camel case.
"""

import re

from psycopg2 import errorcodes
from sqlalchemy.exc import DBAPIError


class DomainError(Exception):
    """The input breaks a rule of the domain.

    `attribute` is the attribute of the model at fault; None if the error is about no single one.
    """

    code = "INVALID"

    def __init__(self, message: str, attribute: str | None = None) -> None:
        super().__init__(message)
        self.attribute = attribute


class InvalidAttribute(DomainError):
    """The attribute cannot have this value."""


class NotFound(DomainError):
    """The input refers to an object that does not exist."""

    code = "NOT_FOUND"


class AlreadyExists(DomainError):
    """Another object has the same key."""

    code = "ALREADY_EXISTS"


class Duplicate(DomainError):
    """An equal object exists, although no key of the database identifies it as the same."""

    code = "DUPLICATE"


class Overdrawn(DomainError):
    """A batch or an account would give more kilograms than it holds."""

    code = "OVERDRAWN"


class BatchOnHold(DomainError):
    """The batch, or a batch that it was made of, is on hold and cannot be used."""

    code = "BATCH_ON_HOLD"


class NotOnHold(DomainError):
    """The batch has no hold to release."""

    code = "NOT_ON_HOLD"


class CustodyBroken(DomainError):
    """A batch would claim a stronger custody than its inputs have, or mix origins against its custody."""

    code = "CUSTODY_BROKEN"


class YieldExceeded(DomainError):
    """A batch would give more kilograms than its inputs yield."""

    code = "YIELD_EXCEEDED"


class CyclicLineage(DomainError):
    """A batch would be made from itself, directly or through other batches."""

    code = "CYCLIC_LINEAGE"


class IdempotencyKeyReused(DomainError):
    """The idempotency key was used before with another input."""

    code = "IDEMPOTENCY_KEY_REUSED"


class Conflict(DomainError):
    """The write conflicted with another transaction; the same request may succeed now."""

    code = "CONFLICT"


class InvalidCredentials(DomainError):
    """The username or the password is wrong; the error does not say which."""

    code = "INVALID_CREDENTIALS"

    def __init__(self, attribute: str | None = None) -> None:
        super().__init__("The username or the password is wrong.", attribute)


class TooManyAttempts(DomainError):
    """Too many passwords failed under this name or from this address.

    `seconds` is the time until the next attempt is accepted.
    """

    code = "TOO_MANY_ATTEMPTS"

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many attempts: try again in {seconds} seconds.")
        self.seconds = seconds


class LastAdmin(DomainError):
    """No user would have the role admin any more."""

    code = "LAST_ADMIN"

    def __init__(self, attribute: str | None = None) -> None:
        super().__init__("This is the last admin: make another one first.", attribute)


# Constraint -> case, attribute and message, where the constraint's own name does not say it.
_KNOWN: dict[str, tuple[type[DomainError], str | None, str]] = {
    "cacao_batch_not_overdrawn": (Overdrawn, "quantity_kg", ""),
    "cacao_batch_not_on_hold": (BatchOnHold, "cacao_batch_id", ""),
    "cacao_batch_custody_kept": (CustodyBroken, "custody", ""),
    "cacao_batch_not_beyond_yield": (YieldExceeded, "quantity_kg", ""),
    "losses_not_below_zero": (InvalidAttribute, "quantity_kg", "So much was not lost."),
    "mass_balance_accounts_not_overdrawn": (
        Overdrawn,
        "quantity_kg",
        "The account has not as many kilograms left.",
    ),
    "mass_balance_entries_in_period": (
        InvalidAttribute,
        "timestamp",
        "It lies outside of the period of the account.",
    ),
    "mass_balance_accounts_period": (
        InvalidAttribute,
        "period_to",
        "The period ends before it begins.",
    ),
    "mass_balance_accounts_scheme_supplier_id_period_from_key": (
        AlreadyExists,
        "period_from",
        "This site has an account of this scheme from this day already.",
    ),
    "mass_balance_accounts_scheme_manufacturer_id_period_from_key": (
        AlreadyExists,
        "period_from",
        "This site has an account of this scheme from this day already.",
    ),
    "mass_balance_accounts_periods_apart": (
        AlreadyExists,
        "period_from",
        "This site has an account of this scheme for some of these days already.",
    ),
    "transactions_corrects_own": (
        InvalidAttribute,
        "corrects",
        "It happened to something else.",
    ),
    "transactions_corrects_earlier": (
        InvalidAttribute,
        "corrects",
        "An event corrects an earlier one.",
    ),
    "transactions_corrects_with_reason": (
        InvalidAttribute,
        "correction_reason",
        "A correction names what it corrects, and why.",
    ),
    "certificates_scheme_number_key": (
        AlreadyExists,
        "number",
        "Another certificate of this scheme has this number.",
    ),
    "certificates_check": (InvalidAttribute, "valid_to", "It ends before it begins."),
    "cacao_batches_beans_harvested": (
        InvalidAttribute,
        "harvest_date",
        "Beans need a harvest date.",
    ),
    "cacao_batches_produced_after_harvest": (
        InvalidAttribute,
        "production_date",
        "It lies before the harvest.",
    ),
    "idempotency_keys_key_check": (
        InvalidAttribute,
        "idempotency_key",
        "It has from 1 to 200 characters.",
    ),
    "users_username_key": (
        AlreadyExists,
        "username",
        "There is, or was, a user of this name: no name is given twice.",
    ),
    "users_name_case": (
        AlreadyExists,
        "username",
        "There is, or was, a user whose name differs only by case.",
    ),
    "users_name_look": (
        AlreadyExists,
        "username",
        "There is, or was, a user whose name looks like this one.",
    ),
    "users_name_plain": (InvalidAttribute, "username", ""),
    "api_keys_name_case": (
        AlreadyExists,
        "name",
        "There is a key whose name differs only by case.",
    ),
    "api_keys_name_look": (AlreadyExists, "name", "There is a key whose name looks like this one."),
    "api_keys_name_plain": (InvalidAttribute, "name", ""),
    "cacao_batches_quantity_check": (InvalidAttribute, "quantity_kg", "It must be above zero."),
    "product_cacao_batch_pkey": (
        AlreadyExists,
        "cacao_batch_id",
        "This batch is already recorded as used in this product.",
    ),
    "cacao_batch_input_pkey": (
        AlreadyExists,
        "cacao_batch_id",
        "This batch is already recorded as an input of that batch.",
    ),
    "cacao_batch_input_check": (
        CyclicLineage,
        "output_batch_id",
        "A batch cannot be made from itself.",
    ),
    "products_gtin_batch_number_key": (
        AlreadyExists,
        "batch_number",
        "Another product has this GTIN and batch number.",
    ),
    "cacao_batches_supplier_id_lot_number_key": (
        AlreadyExists,
        "lot_number",
        "Another batch of this supplier has this lot number.",
    ),
}

# How the name of a constraint ends: what it bounds, where that says more than that it is refused.
BOUNDS = {
    "exact": "A number has more digits than its column holds.",
    "dated": "A day or a time is of the years 1 to 9999.",
}
_RULES = "|".join(("check", "key", "fkey", "whole", *BOUNDS))
# Attributes of unbounded text that indexes hold; of those in one index the longer name first.
INDEXED_TEXTS = (
    "external_id",
    "event_id",
    "lot_number",
    "batch_number",
    "reference_number",
    "certification",
    "number",
    "scheme",
    "username",
    "name",
    "event",
)

RETRYABLE = (errorcodes.DEADLOCK_DETECTED, errorcodes.SERIALIZATION_FAILURE)


def violation_of(error: DBAPIError) -> DomainError | None:
    """Return the domain error for an error of SQLAlchemy; None if the input did not cause it."""
    return refusal_in(error.orig)


def refusal_in(cause: object) -> DomainError | None:
    """Return the domain error for an error of the driver; None if the input did not cause it."""
    state = getattr(cause, "pgcode", None)
    diagnostics = getattr(cause, "diag", None)
    if state in RETRYABLE:
        return Conflict("Another writer was first; send the same request again.")
    if state == errorcodes.NUMERIC_VALUE_OUT_OF_RANGE:
        return InvalidAttribute("A number has more digits than its column holds.")
    if state == errorcodes.PROGRAM_LIMIT_EXCEEDED:
        index = getattr(diagnostics, "constraint_name", None) or ""
        return InvalidAttribute("A text is longer than its index holds.", _indexed_text(index))
    if state is None or diagnostics is None or not state.startswith("23"):
        return None
    return _named(state, diagnostics.constraint_name or "", diagnostics.table_name or "", cause)


def _indexed_text(index: str) -> str | None:
    """Return the attribute of an index that has an unbounded text, by the name of the index."""
    return next((name for name in INDEXED_TEXTS if f"_{name}_" in index), None)


def _named(state: str, constraint: str, table: str, cause: object) -> DomainError | None:
    if constraint in _KNOWN:
        kind, attribute, message = _KNOWN[constraint]
        return kind(message or str(cause).splitlines()[0], attribute)
    found = re.fullmatch(rf"{re.escape(table)}_(?P<attribute>.+)_(?:{_RULES})", constraint)
    attribute = found["attribute"] if found else None
    if state == errorcodes.UNIQUE_VIOLATION:
        return AlreadyExists("Another object has this value already.", attribute)
    if state == errorcodes.FOREIGN_KEY_VIOLATION:
        return NotFound("There is no such object.", attribute)
    if state == errorcodes.CHECK_VIOLATION:
        message = BOUNDS.get(constraint.rpartition("_")[2], "This value is not allowed.")
        return InvalidAttribute(message, attribute)
    return None
