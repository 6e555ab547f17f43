"""A small world that breaks no rule, each figure at its limit, and an auditor of it."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from models.database.engines import Database
from models.findings import ALL, BRANCHES, COLUMNS, WHERE, FindingWindow, Scope, listing_of

# Beans 1 and 2 of two growers; liquor 3 of both, which yields just what it gave; couverture 4.
SOUND = """
insert into suppliers (name, location) values ('Grower', 'A'), ('Other', 'B'), ('Mill', 'C');
insert into certificates (supplier_id, scheme, number, valid_from, valid_to) values
  (1, 'Fairtrade', 'F1', '2025-01-01', '2025-12-31');
insert into plots (supplier_id, name, country, area_ha) values (1, 'P1', 'GH', 1), (2, 'P2', 'CI', 1);
insert into cacao_batches
  (supplier_id, harvest_date, production_date, quantity, stage, certification, custody) values
  (1, '2025-10-01', null, 1000, 'beans', 'Fairtrade', 'identity_preserved'),
  (2, '2025-11-01', null, 1000, 'beans', null, 'identity_preserved'),
  (3, null, '2026-01-10', 820, 'liquor', null, 'segregated'),
  (3, null, '2026-02-01', 1000, 'couverture', null, 'segregated');
insert into cacao_batch_plot values (1, 1, 1000), (2, 2, null);
insert into cacao_batch_input values
  (3, 1, 600, '2026-01-10 18:00Z'), (3, 2, 400, '2026-01-10 18:00Z'), (4, 3, 500, '2026-02-01 18:00Z');
insert into products (name, production_date) values ('Bar', '2026-03-01'), ('Tin', '2026-03-02');
insert into product_cacao_batch values
  (1, 4, 800, '2026-03-01 18:00Z'), (2, 4, 200, '2026-03-02 18:00Z'), (2, 3, 320, '2026-03-02 18:00Z');
insert into transactions (product_id, cacao_batch_id, "timestamp", event, details, record_time) values
  (null, 1, '2025-10-01 08:00Z', 'harvested', '{"weight": {"net_kg": 1000.000}}', '2025-10-01 09:00Z'),
  (1, null, '2026-03-01 08:00Z', 'made', '{"cacaoBatchId": 4, "quantityKg": "800"}', '2026-03-01 08:00Z');
"""
# Both events have their leaves.
SOUND += """
insert into ledger_entries (sequence, transaction_id, salt, leaf, hashes)
  select l.n, l.transaction_id, '\\x00112233445566778899aabbccddeeff', l.leaf, sha256('\\x00'::bytea || l.leaf) from (
    select t.transaction_id - 1 as n, t.transaction_id, convert_to((ledger_record(t) ||
      jsonb_build_object('sequence', t.transaction_id - 1, 'salt', 'x'))::text, 'UTF8') as leaf from transactions t) l;
delete from ledger_queue;
"""
PRODUCTS, LOTS, SUPPLIERS = (1, 2, 3, 99), (1, 2, 3, 4, 98), (1, 2, 3)

EVERYTHING = Scope()
# Serials do not go back with a transaction.
FIRST_NUMBERS = {
    "transactions_transaction_id_seq": 3,
    "holds_hold_id_seq": 1,
    "losses_loss_id_seq": 1,
    "certificates_certificate_id_seq": 2,
    "products_product_id_seq": 3,
}

Finding = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """SQL that breaks a rule, the finding, and SQL that is just within the rule.

    `where` are the columns that are set; `also` are other rules that it breaks as well.
    """

    rule: str
    breaks: str
    message: str
    evidence: dict[str, Any]
    where: dict[str, int]
    keeps: str
    also: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.rule}: {self.breaks[:60]}"


class Auditor:
    """Breaks rules with triggers off, in a transaction that is rolled back, and lists findings."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def write(self, statement: str) -> None:
        self._cursor.execute("set local session_replication_role = replica")
        self._cursor.execute(statement)
        self._cursor.execute("set local session_replication_role = default")

    def find(
        self, scope: Scope = EVERYTHING, window: FindingWindow = ALL, rules: Sequence[str] = ()
    ) -> list[Finding]:
        branches = [branch for branch in BRANCHES if not rules or branch.rule.code in rules]
        self._execute(listing_of(branches, scope, window))
        return [dict(zip(COLUMNS, row, strict=True)) for row in self._cursor.fetchall()]

    def _execute(self, statement: str) -> None:
        """Run a statement that the connection, which the tests share, plans at the first time only."""
        name = f"findings_{sha256(statement.encode()).hexdigest()[:32]}"
        self._cursor.execute("select from pg_prepared_statements where name = %s", [name])
        if self._cursor.fetchone() is None:
            self._cursor.execute(f"prepare {name} as {statement}")
        self._cursor.execute(f"execute {name}")

    def edges(self) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return the flows from lots to products, and from lots to lots."""
        self._cursor.execute("select product_id, cacao_batch_id from product_cacao_batch")
        uses = self._cursor.fetchall()
        self._cursor.execute("select output_batch_id, input_batch_id from cacao_batch_input")
        return uses, self._cursor.fetchall()

    def suppliers(self) -> dict[int, int]:
        self._cursor.execute("select cacao_batch_id, supplier_id from cacao_batches")
        return dict(self._cursor.fetchall())


@contextmanager
def auditing(database: Database) -> Iterator[Auditor]:
    """Provide an auditor of this world, which is left as it was."""
    with closing(database.engine().raw_connection()) as raw, auditing_by(raw) as auditor:
        yield auditor


@contextmanager
def auditing_by(raw: Any) -> Iterator[Auditor]:
    """Provide an auditor by this connection, which keeps the plans of its statements."""
    with closing(raw.cursor()) as cursor:
        try:
            for sequence, number in FIRST_NUMBERS.items():
                cursor.execute(f"alter sequence {sequence} restart with {number}")
            yield Auditor(cursor)
        finally:
            raw.rollback()


def where_of(finding: Finding) -> dict[str, int]:
    return {name: finding[name] for name in WHERE if finding[name] is not None}


def shown(finding: Finding) -> str:
    """Return a finding as text, to compare."""
    return json.dumps(finding, default=str)


def scopes() -> Iterator[Scope]:
    for upstream in ("true", "false"):
        yield from (Scope("Product", str(key), upstream) for key in PRODUCTS)
        yield from (Scope("CacaoBatch", str(key), upstream) for key in LOTS)
    yield from (Scope("Supplier", str(key)) for key in SUPPLIERS)


def members(auditor: Auditor, scope: Scope) -> tuple[set[int], set[int], set[int]]:
    """Return the products of a scope, its lots, and the lots whose outgoing flows count; computed naively."""
    start, (uses, inputs) = int(scope.start), auditor.edges()
    if scope.kind == "Supplier":
        own = {lot for lot, supplier in auditor.suppliers().items() if supplier == start}
        return set(), own, own
    if scope.kind == "Product":
        lots = {lot for product, lot in uses if product == start and scope.upstream == "true"}
    else:
        lots = {start}
    while scope.upstream == "true":
        more = {given for took, given in inputs if took in lots} - lots
        if not more:
            break
        lots |= more
    if scope.kind == "Product":
        return {start}, lots, set()
    return set(), lots, {start}


def belongs(finding: Finding, products: set[int], lots: set[int], givers: set[int]) -> bool:
    """Whether a finding is in a scope: a flow belongs to its target, or to a source that counts."""
    took = finding["product_id"] in products or finding["cacao_batch_id"] in lots
    return took or finding["input_batch_id"] in givers
