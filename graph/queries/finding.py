"""The root field about findings."""

from graph.auth.roles import STAFF
from graph.queries.root import query_fields
from graph.types.finding import Findings, findings


@query_fields
class FindingQuery:
    audit_findings: Findings = findings(
        "Findings in the whole database. In a large database, filter by one or two rules, or use the"
        " command `server.py audit findings`.",
        roles=STAFF,
    )
