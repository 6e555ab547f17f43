"""Errors of the database that one row causes, and the search for these rows."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import psycopg2

from exchange.csv.rejections import Code
from models.errors import refusal_in

_Item = TypeVar("_Item")

# Errors that a row can cause; any other error, such as a lost connection or a deadlock, ends the import.
VIOLATIONS = (
    psycopg2.IntegrityError,
    psycopg2.DataError,
    psycopg2.errors.ProgramLimitExceeded,
    psycopg2.errors.RaiseException,
)
_CODE_OF_CONSTRAINT = {
    "cacao_batch_not_overdrawn": Code.OVERDRAWN,
    "cacao_batch_not_on_hold": Code.BATCH_ON_HOLD,
    "cacao_batch_custody_kept": Code.CUSTODY_BROKEN,
    "cacao_batch_not_beyond_yield": Code.YIELD_EXCEEDED,
}


def isolate_violations(
    items: Sequence[_Item],
    attempt: Callable[[Sequence[_Item]], psycopg2.Error | None],
    reject: Callable[[_Item, psycopg2.Error], None],
) -> None:
    """Attempt all items at once; after an error, attempt each half.

    Items that fail alone are rejected.
    """
    error = attempt(items)
    if error is None:
        return
    if len(items) == 1:
        reject(items[0], error)
        return
    middle = len(items) // 2
    isolate_violations(items[:middle], attempt, reject)
    isolate_violations(items[middle:], attempt, reject)


def read_violation(error: psycopg2.Error) -> tuple[str, str]:
    """Return the code and the reason, in one line, of a row that causes this error."""
    message = error.diag.message_primary or str(error)
    constraint = error.diag.constraint_name or ""
    known = _CODE_OF_CONSTRAINT.get(constraint)
    if known is not None:
        return known, message
    # Triggers of the schema say what is wrong; PostgreSQL itself names only the constraint and its table.
    refusal = refusal_in(error) if constraint and f'"{constraint}"' in message else None
    if refusal is not None:
        named = f"{refusal.attribute}: {refusal}"
        message = named if refusal.attribute else f"{constraint} does not allow it"
    return Code.CONSTRAINT, " ".join(message.split())
