"""The rows that findings are computed of: all, or those of a product, a lot or a supplier.

The scope of a product or a lot includes all lots that it was made of, unless `upstream` is false. It
includes the edges that lead to these; the scope of a lot or a supplier also the edges that leave its
own lots. This module only writes SQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from models.findings.rule import Rule, Subject

_Kind = Literal["everything", "Product", "CacaoBatch", "Supplier"]

USE = "e.product_id, NULL::int AS output_batch_id, e.cacao_batch_id AS input_batch_id"
INPUT = "NULL::int AS product_id, e.output_batch_id, e.input_batch_id"
CARRIED = "e.quantity_kg, e.record_time"
EVERYTHING = {
    "lots": "cacao_batches",
    "products": "products",
    "uses": f"(SELECT {USE}, {CARRIED} FROM product_cacao_batch e)",
    "inputs": f"(SELECT {INPUT}, {CARRIED} FROM cacao_batch_input e)",
    "events": "transactions",
    "leaves": "ledger_entries",
    "holds": "holds",
    "within": "",
    "fence": "",
}
SCOPED = {
    **{name: f"own_{name}" for name in ("lots", "products", "uses", "inputs", "events", "holds")},
    # The subject of an event that does not exist is not known.
    "leaves": "(SELECT * FROM ledger_entries WHERE false)",
    "within": "WHERE x.id IN (SELECT a.id FROM ancestors a)",
    "fence": "OFFSET 0",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """The object whose findings are computed: its type, and SQL of its number and of `upstream`."""

    kind: _Kind = "everything"
    start: str = ""
    upstream: str = "true"

    def source(self, rule: Rule, subject: Subject) -> str:
        """Return the FROM and WHERE of a rule over the subjects in this scope."""
        names = EVERYTHING if self.kind == "everything" else SCOPED
        text = rule.source.replace("<flows>", names[subject.reads])
        for name, meant in names.items():
            text = text.replace(f"<{name}>", meant)
        return text

    def tables(self) -> list[str]:
        """Return the tables that the sources read, as entries of WITH RECURSIVE.

        PostgreSQL computes each at most once, and only if a source reads it.
        """
        if self.kind == "everything":
            return []
        deeper = "false" if self.kind == "Supplier" else self.upstream
        back = (
            "UNION SELECT x.id FROM {name} r CROSS JOIN LATERAL (SELECT e.input_batch_id AS id"
            " FROM cacao_batch_input e WHERE e.output_batch_id = r.id{when} OFFSET 0) x"
        )
        # For an array PostgreSQL expects few rows; for many it allocates memory before it reads the first.
        givers = "SELECT input_batch_id FROM own_uses UNION SELECT input_batch_id FROM own_inputs"
        events = "SELECT t.* FROM transactions t WHERE t"
        return [
            f"reach (id) AS ({self._seeds()} {back.format(name='reach', when=f' AND {deeper}')})",
            _of(
                "own_lots",
                f"reach r {_each('SELECT b.* FROM cacao_batches b WHERE b.cacao_batch_id = r.id')}",
            ),
            f"starts (id) AS MATERIALIZED (SELECT {self._product()}::int AS id)",
            _of(
                "own_products",
                f"starts r {_each('SELECT q.* FROM products q WHERE q.product_id = r.id')}",
            ),
            self._uses(),
            self._inputs(),
            _of(
                "own_events",
                f"own_products r {_each(f'{events}.product_id = r.product_id')} UNION ALL SELECT x.*"
                f" FROM own_lots r {_each(f'{events}.cacao_batch_id = r.cacao_batch_id')}",
            ),
            f"ancestors (id) AS (SELECT unnest(ARRAY({givers})) {back.format(name='ancestors', when='')})",
            _of(
                "own_holds",
                f"ancestors r {_each('SELECT h.* FROM holds h WHERE h.cacao_batch_id = r.id')}",
            ),
        ]

    def _seeds(self) -> str:
        if self.kind == "Product":
            return (
                "SELECT e.cacao_batch_id FROM product_cacao_batch e"
                f" WHERE e.product_id = {self.start} AND {self.upstream}"
            )
        if self.kind == "CacaoBatch":
            return f"SELECT {self.start}::int"
        return f"SELECT b.cacao_batch_id FROM cacao_batches b WHERE b.supplier_id = {self.start}"

    def _product(self) -> str:
        return self.start if self.kind == "Product" else "NULL"

    def _givers(self) -> str:
        """Return the lots whose outgoing edges are in the scope; empty if only incoming ones are."""
        match self.kind:
            case "CacaoBatch":
                return f"(SELECT {self.start}::int AS id) r"
            case "Supplier":
                return "reach r"
        return ""

    def _uses(self) -> str:
        near = f"SELECT {USE}, {CARRIED} FROM product_cacao_batch e WHERE"
        if givers := self._givers():
            return _of("own_uses", f"{givers} {_each(f'{near} e.cacao_batch_id = r.id')}")
        return _of("own_uses", f"starts r {_each(f'{near} e.product_id = r.id')}")

    def _inputs(self) -> str:
        near = f"SELECT {INPUT}, {CARRIED} FROM cacao_batch_input e WHERE"
        took = f"reach r {_each(f'{near} e.output_batch_id = r.id')}"
        if givers := self._givers():
            took += f" UNION SELECT x.* FROM {givers} {_each(f'{near} e.input_batch_id = r.id')}"
        return _of("own_inputs", took)


def _of(name: str, source: str) -> str:
    """Return an entry of WITH that has all columns of `x`."""
    return f"{name} AS MATERIALIZED (SELECT x.* FROM {source})"


def _each(select: str) -> str:
    """Return a join with the rows of a SELECT for each `r`, which PostgreSQL looks up by index."""
    return f"CROSS JOIN LATERAL ({select} OFFSET 0) x"
