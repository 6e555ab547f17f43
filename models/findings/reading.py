"""Streams all findings of a scope, one rule after another, in one snapshot."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import closing
from tempfile import TemporaryFile
from typing import Any

from models.database.engines import Database
from models.findings.rule import Rule
from models.findings.scope import Scope
from models.findings.statement import WHERE, branches_of, listing_statement

# The columns of a finding that are listed; of its key, only the rule.
SHOWN = ("rule", "severity", "message", *WHERE, "evidence")
EXISTS = {
    "Product": "SELECT FROM products WHERE product_id = {}",
    "CacaoBatch": "SELECT FROM cacao_batches WHERE cacao_batch_id = {}",
    "Supplier": "SELECT FROM suppliers WHERE supplier_id = {}",
}
SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"


def stream(database: Database, scope: Scope, rules: Sequence[Rule]) -> Iterator[dict[str, Any]]:
    """Yield the findings in order, each by column of SHOWN.

    `evidence` is the text of a JSON object. Raises LookupError if the product, lot or supplier of the
    scope does not exist.
    """
    columns = ", ".join(f"{name}::text" if name == "evidence" else name for name in SHOWN)
    with closing(database.engine().raw_connection()) as raw, closing(raw.cursor()) as opened:
        cursor: Any = opened
        cursor.execute(SNAPSHOT)
        # JIT compilation takes longer than nearly all of these statements.
        cursor.execute("SET LOCAL jit = off")
        if scope.kind in EXISTS:
            cursor.execute(EXISTS[scope.kind].format(scope.start))
            if cursor.fetchone() is None:
                raise LookupError(scope.start)
        for branch in branches_of(rules):
            yield from _of(
                cursor, f"SELECT {columns} FROM ({listing_statement([branch], scope)}) f"
            )


def _of(cursor: Any, select: str) -> Iterator[dict[str, Any]]:
    """Yield the findings of a rule through a file: PostgreSQL runs COPY in parallel, but no cursor."""
    with TemporaryFile("w+", encoding="utf-8", newline="") as file:
        cursor.copy_expert(f"COPY ({select}) TO STDOUT (FORMAT csv)", file)
        file.seek(0)
        for row in csv.reader(file):
            found: dict[str, Any] = dict(zip(SHOWN, row, strict=True))
            for name in WHERE:
                found[name] = int(found[name]) if found[name] else None
            yield found
