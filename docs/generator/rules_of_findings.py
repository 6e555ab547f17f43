"""The page of the rules of findings: a heading for each, with its figures."""

from docs.generator.markdown import code, paragraph, table
from models.findings import RULES, Rule

_INTRODUCTION = """# Rules of findings

`auditFindings` and `server.py audit findings` report what breaks one of these rules. Every rule is computed
from the tables as they are now; see [Findings](../explanation/findings.md).
"""

_SUBJECTS = {
    "lots": "lots",
    "products": "products",
    "uses": "flows from a lot to a product",
    "inputs": "flows from a lot to a lot",
    "events": "events",
    "leaves": "leaves of the ledger",
}


def render_rules() -> str:
    """Return the page as Markdown."""
    summary = table(
        ("rule", "severity", "what it reports"),
        [(f"[`{_name(rule)}`](#{rule.code})", rule.severity, rule.title) for rule in RULES],
    )
    return "\n".join((_INTRODUCTION, summary, *map(_section, RULES)))


def _name(rule: Rule) -> str:
    return rule.code.upper()


def _section(rule: Rule) -> str:
    subjects = " and ".join(_SUBJECTS[subject.reads] for subject in rule.judges)
    lines = [
        f"\n## {_name(rule)} {{ #{rule.code} }}\n",
        f"{paragraph(rule.title)}\n",
        f"- Severity: {rule.severity}",
        f"- Applies to: {subjects}",
    ]
    if rule.evidence:
        lines.append(f"- Members of `evidence`: {', '.join(map(code, rule.evidence))}")
    return "\n".join(lines)
