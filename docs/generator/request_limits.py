"""The page of limits: those that settings change, and those that are fixed."""

import ast
import inspect

from docs.generator.markdown import code, paragraph, table
from exchange.csv.reading import workbook
from graph import pagination
from graph.admission import limits
from graph.admission.limits import DEFAULTS
from models import user
from models.attempt import MAX_PER_ADDRESS, MAX_PER_USERNAME, MAX_PER_USERNAME_AND_ADDRESS
from models.lineage import reach
from serving import connection
from serving.settings import LIMITS, PRODUCTION

_INTRODUCTION = """# Limits

A request that exceeds a limit fails before any SQL is sent. How cost and rate limits work together is explained in
[Limits and fairness](../explanation/limits.md).

## Limits that settings change

Counts are of a whole document, with fragments where they are spread.
"""


def render_limits() -> str:
    """Return the page as Markdown."""
    meanings = _meanings()
    rows = [
        (code(name), *_defaults(limit), f"{low:,} to {high:,}", paragraph(meanings.get(limit)))
        for limit, (name, low, high) in LIMITS.items()
    ]
    changed = table(("setting", "default", "in production", "range", "meaning"), rows)
    fixed = table(("limit", "value"), [(name, f"{value:,}") for name, value in _fixed()])
    return f"{_INTRODUCTION}\n{changed}\n\n## Fixed limits\n\n{fixed}"


def _defaults(limit: str) -> tuple[str, str]:
    return f"{getattr(DEFAULTS, limit):,}", f"{getattr(PRODUCTION, limit):,}"


def _meanings() -> dict[str, str]:
    """Return the text beneath each attribute of the class of limits, or else its name."""
    tree = ast.parse(inspect.getsource(limits))
    found: dict[str, str] = {}
    name = ""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        for each in node.body:
            if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
                name = each.target.id
                found[name] = name.replace("_", " ").capitalize()
            elif isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant) and name:
                found[name] = str(each.value.value)
    return found


def _fixed() -> list[tuple[str, int]]:
    return [
        ("Rows of a page", pagination.MAX_PAGE_SIZE),
        (
            "Entries of a page of a trace, origins, an impact or findings",
            pagination.MAX_LISTING_SIZE,
        ),
        ("Lots that a trace or an impact reads, nearest first", reach.MAX_TRACED_LOTS),
        ("Headers of a request", connection.MAX_FIELDS),
        ("Characters of the name of a user or an API key", user.MAX_NAME),
        (
            "Failed sign-ins in 15 minutes for one name from one network",
            MAX_PER_USERNAME_AND_ADDRESS,
        ),
        ("Failed sign-ins in 15 minutes from one network", MAX_PER_ADDRESS),
        ("Failed sign-ins in 15 minutes for one name", MAX_PER_USERNAME),
        ("Bytes of an unpacked XLSX file", workbook.MAX_UNPACKED),
        ("Rows of an XLSX file", workbook.MAX_ROWS),
        ("Columns of an XLSX file", workbook.MAX_COLUMNS),
    ]
