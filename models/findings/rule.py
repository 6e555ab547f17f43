"""What a rule is: a code, how severe, and one select over the rows it judges. It touches no database.

A rule reads its subjects as `<lots> s`, `<products> s`, `<flows> s`, `<inputs> s`, `<events> s` or
`<leaves> s`: all there are, or those of a scope. What it looks up of others stands in a LATERAL that ends with
`<fence>`, so that it is a look-up by index wherever the subjects are few.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ERROR, WARNING, INFO = SEVERITIES = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Subject:
    """A kind of row that is judged: its key of two whole numbers, and where its findings point to.

    `place` tells kinds apart that one rule judges; `reads` are the tables behind the placeholder; `many`:
    there are millions where there are thousands of lots.
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
# Where an event is judged by what it says: one that a later event corrects no longer says it.
CURRENT = "NOT EXISTS (SELECT FROM transactions c WHERE c.corrects = s.transaction_id)"
# An edge: what a product took of a lot, and what a lot took of another.
FLOWS = (_USES, INPUTS)


@dataclass(frozen=True)
class Rule:
    """One rule. `source` is FROM and WHERE of what breaks it, the subject as `s`, each once.

    `evidence` are the figures by name, kilograms as text; `where` points to more than the subject.
    """

    code: str
    severity: str
    title: str
    judges: tuple[Subject, ...]
    source: str
    message: str
    evidence: Mapping[str, str]
    where: Mapping[str, str] = field(default_factory=dict)
