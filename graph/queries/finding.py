"""The root field about findings."""

from graph.auth.roles import STAFF
from graph.queries.root import query_fields
from graph.types.finding import Findings, findings


@query_fields
class FindingQuery:
    audit_findings: Findings = findings(
        "What breaks a rule, in the whole database. Of a large one, ask for a rule or two at a time, or"
        " use the command `audit findings`.",
        roles=STAFF,
    )
