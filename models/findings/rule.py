"""The declaration of a rule: a code, a severity, and the SQL of the rows that break it.

A rule reads its subjects as `<lots> s`, `<products> s`, `<flows> s`, `<inputs> s`, `<events> s` or
`<leaves> s`, which are all rows or those of a scope. It reads other rows in a LATERAL that ends with
`<fence>`, so that PostgreSQL uses an index if the subjects are few.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ERROR, WARNING, INFO = SEVERITIES = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Subject:
    """Rows that a rule judges: the key of a row, two integers, and the objects of its findings.

    `place` orders the subjects of one rule. `reads` is the name of the placeholder. `many` is true for
    tables that have a thousand times as many rows as there are lots.
    """

    place: int
    reads: str
    key: tuple[str, str]
    where: Mapping[str, str]
    many: bool = False


MADE_BY = "(SELECT l.supplier_id FROM cacao_batches l WHERE l.cacao_batch_id = {})"

LOTS = Subject(
    0,
    "lots",
    ("s.cacao_batch_id", "0"),
    {"cacao_batch_id": "s.cacao_batch_id", "supplier_id": "s.supplier_id"},
)
PRODUCTS = Subject(0, "products", ("s.product_id", "0"), {"product_id": "s.product_id"})
_USES = Subject(
    0,
    "uses",
    ("s.product_id", "s.input_batch_id"),
    {
        "product_id": "s.product_id",
        "input_batch_id": "s.input_batch_id",
        "supplier_id": MADE_BY.format("s.input_batch_id"),
    },
    many=True,
)
INPUTS = Subject(
    1,
    "inputs",
    ("s.output_batch_id", "s.input_batch_id"),
    {
        "cacao_batch_id": "s.output_batch_id",
        "input_batch_id": "s.input_batch_id",
        "supplier_id": MADE_BY.format("s.output_batch_id"),
    },
    many=True,
)
EVENTS = Subject(
    0,
    "events",
    ("s.transaction_id", "0"),
    {
        "transaction_id": "s.transaction_id",
        "product_id": "s.product_id",
        "cacao_batch_id": "s.cacao_batch_id",
        "supplier_id": MADE_BY.format("s.cacao_batch_id"),
    },
    many=True,
)
LEAVES = Subject(
    0, "leaves", ("s.sequence", "0"), {"transaction_id": "s.transaction_id"}, many=True
)
# Only events that no later event corrects are judged by their content.
CURRENT = "NOT EXISTS (SELECT FROM transactions c WHERE c.corrects = s.transaction_id)"
# Edges from a lot to a product, and from a lot to a lot.
FLOWS = (_USES, INPUTS)


@dataclass(frozen=True)
class Rule:
    """A rule. `source` is the FROM and WHERE of the subjects `s` that break it, each once.

    `evidence` is SQL of the figures by name, kilograms as text. `where` is SQL of further objects.
    """

    code: str
    severity: str
    title: str
    judges: tuple[Subject, ...]
    source: str
    message: str
    evidence: Mapping[str, str]
    where: Mapping[str, str] = field(default_factory=dict)
