"""All findings of a scope as a stream: one snapshot, a rule at a time, none of it kept in memory."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from models.database import Database
from models.findings.rule import Rule
from models.findings.scope import Scope
from models.findings.statement import COLUMNS, branches_of, listing

# What is written of a finding: of its key only the rule, as the rest is told by where it is.
SHOWN = ("rule", "severity", "message", *COLUMNS[7:], "evidence")
EXISTS = {
    "Product": "SELECT FROM products WHERE product_id = {}",
    "CacaoBatch": "SELECT FROM cacao_batches WHERE cacao_batch_id = {}",
    "Supplier": "SELECT FROM suppliers WHERE supplier_id = {}",
}
SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"


def stream(database: Database, scope: Scope, rules: Sequence[Rule]) -> Iterator[dict[str, Any]]:
    """Findings in their order, by column of SHOWN; the evidence as the text of a JSON object.

    Raises LookupError where the product, lot or supplier is not there.
    """
    columns = ", ".join(f"{name}::text" if name == "evidence" else name for name in SHOWN)
    with closing(database.engine().raw_connection()) as raw:
        with closing(raw.cursor()) as cursor:
            cursor.execute(SNAPSHOT)
            # Compiling a statement takes longer than nearly all of these run.
            cursor.execute("SET LOCAL jit = off")
            if scope.kind in EXISTS:
                cursor.execute(EXISTS[scope.kind].format(scope.start))
                if cursor.fetchone() is None:
                    raise LookupError(scope.start)
        for branch in branches_of(rules):
            # Named, so that PostgreSQL keeps what was not fetched yet; two thousand rows are on their way.
            named: Any = raw.cursor(f"f{branch.subject.place}")
            with closing(named):
                named.execute(f"SELECT {columns} FROM ({listing([branch], scope)}) f")
                for row in named:
                    yield dict(zip(SHOWN, row, strict=True))
