"""The SQL of an event's record, from which its leaf is made."""

import re

from models.migration.schema_file import SCHEMA

_DEFINITION = re.compile(
    r"create function ledger_record\(t transactions\) returns jsonb\n.*?\n  return (.*?);\n\n",
    re.DOTALL,
)


def record_of_event() -> str:
    """Return the body of the function `ledger_record`, for a row `t` of transactions.

    It is read from schema.sql and not from the database: a user who can alter events can also replace
    functions.
    """
    found = _DEFINITION.search(SCHEMA.read_text(encoding="utf-8"))
    assert found is not None, "schema.sql has no function ledger_record"
    return found[1]
