"""The root field about findings."""

import strawberry

from graph.types.finding import Findings, findings


@strawberry.type
class FindingQuery:
    audit_findings: Findings = findings(
        "What breaks a rule, in the whole database. Of a large one, ask for a rule or two at a time, or"
        " use the command `audit findings`."
    )
