"""Findings about lots, products, events and edges, and the rules that report them."""

from enum import Enum
from typing import Any

import strawberry

from graph.auth.roles import STAFF, Roles
from graph.types.connection import Connection
from graph.types.node import argument, computed, field, input_named, relation, virtual
from graph.types.scalar import JSON
from models.findings import RULES
from models.findings.finding import AuditFinding as Finding

FINDING = "AuditFinding"

RULES_BY_NAME: Any = {
    rule.code.upper(): strawberry.enum_value(rule.code, description=rule.title) for rule in RULES
}
_NAMED: Any = Enum("AuditRule", RULES_BY_NAME)  # type: ignore[misc]
AuditRule: Any = strawberry.enum(_NAMED, description="A rule that reports findings.")


@strawberry.enum(description="How severe a finding is.")
class AuditSeverity(Enum):
    ERROR = strawberry.enum_value("error", description="The recorded data are impossible.")
    WARNING = strawberry.enum_value(
        "warning", description="The recorded data are possible, but need an explanation."
    )
    INFO = strawberry.enum_value("info", description="Information.")


@virtual(
    Finding,
    "Recorded data that break a rule. Findings are computed from the present rows, and do not trust what triggers derive.",
    roles=STAFF,
)
class AuditFinding:
    rule: AuditRule = field("The rule that is broken.")
    severity: AuditSeverity = field("The severity of the rule.")
    message: str = field("The error, with its figures.")
    evidence: JSON = field("The figures by name; kilograms are strings, and times are in UTC.")
    product = relation(
        "The product of the finding: the product itself, one of its events, or its use of `input`."
    )
    cacao_batch = relation(
        "The lot of the finding: the lot itself, one of its events, or its use of `input`."
    )
    input = relation("The input lot, if the finding is about an edge.")
    supplier = relation("The supplier of the lot, or of `input` for a use by a product.")
    transaction = relation("The event, if the finding is about one.")
    certificate = relation("The certificate whose validity is nearest to the day of the lot.")
    hold = relation("The hold during which the lot was used.")


def findings(description: str, *, upstream: str = "", roles: Roles | None = None) -> Any:
    """Declare a page of findings in the order of rules.

    `upstream` describes the argument of that name; without it, the field has no such argument.
    """
    return computed(
        description,
        argument(
            "first", int, "The number of objects from the start; 20 without `first` and `last`."
        ),
        argument("after", str, "The page starts after this cursor."),
        argument("last", int, "The number of objects from the end."),
        argument("before", str, "The page ends before this cursor."),
        argument(
            "filter",
            input_named(f"{FINDING}Filter"),
            "The page has only the findings that match this filter.",
        ),
        *([argument("upstream", bool, upstream)] if upstream else []),
        roles=roles,
    )


Findings = Connection[AuditFinding]
