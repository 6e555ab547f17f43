"""Findings: rules that check the recorded data, as an auditor would by hand.

A rule does not trust what triggers derive. It is one declaration in a module of this package; the enum
of the GraphQL schema, the statements and the page docs/reference/rules.md follow from it.
"""

from models.findings import ancestry, claims, kilograms, ledgers, records, timing
from models.findings.rule import SEVERITIES, Rule
from models.findings.scope import Scope
from models.findings.statement import ALL, COLUMNS, KEY, WHERE, FindingWindow, Position, branches_of
from models.findings.statement import listing_statement as listing_of

RULES = tuple(
    sorted(
        (
            rule
            for part in (ancestry, claims, ledgers, kilograms, records, timing)
            for rule in part.RULES
        ),
        key=lambda rule: rule.code,
    )
)
BRANCHES = branches_of(RULES)

__all__ = [
    "ALL",
    "BRANCHES",
    "COLUMNS",
    "KEY",
    "RULES",
    "SEVERITIES",
    "WHERE",
    "FindingWindow",
    "Position",
    "Rule",
    "Scope",
    "listing_of",
]
