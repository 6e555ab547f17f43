"""AuditFinding: what an auditor would say of a lot, a product, an event or an edge, and why."""

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
AuditRule: Any = strawberry.enum(_NAMED, description="A rule that findings come by.")


@strawberry.enum(description="How severe a finding is.")
class AuditSeverity(Enum):
    ERROR = strawberry.enum_value("error", description="It cannot have been so.")
    WARNING = strawberry.enum_value(
        "warning", description="It may have been so, but needs a reason."
    )
    INFO = strawberry.enum_value("info", description="Good to know.")


@virtual(
    Finding,
    "What breaks a rule, as the tables are now: neither a trigger nor a mark that one keeps is believed.",
    roles=STAFF,
)
class AuditFinding:
    rule: AuditRule = field("Which rule.")
    severity: AuditSeverity = field("How severe it is.")
    message: str = field("What is wrong, with its figures.")
    evidence: JSON = field("The figures alone, by name; kilograms are strings, times in UTC.")
    product = relation(
        "The product it is about: itself, one of its events, or what it took of `input`."
    )
    cacao_batch = relation(
        "The lot it is about: itself, one of its events, or what it took of `input`."
    )
    input = relation("Of an edge, the lot that gave.")
    supplier = relation("Who made the lot, or of what a product took, the lot that gave.")
    transaction = relation("The event it is about.")
    certificate = relation("The certificate nearest to the day.")
    hold = relation("The hold that lasted.")


def findings(description: str, *, upstream: str = "", roles: Roles | None = None) -> Any:
    """Return a page of findings in the order of rules; `upstream` tells what the argument of that name adds."""
    return computed(
        description,
        argument("first", int, "At most this many from the start; 20 if neither is given."),
        argument("after", str, "Start behind this cursor."),
        argument("last", int, "At most this many from the end."),
        argument("before", str, "End ahead of this cursor."),
        argument("filter", input_named(f"{FINDING}Filter"), "Keep only these."),
        *([argument("upstream", bool, upstream)] if upstream else []),
        roles=roles,
    )


Findings = Connection[AuditFinding]
