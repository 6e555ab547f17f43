"""The subcommand `audit findings`: streams the findings as CSV or JSON.

Exit codes: 0 without findings, 1 with findings, 2 if the product, batch or supplier does not exist. Cells of
CSV are escaped for spreadsheets.
"""

import csv
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from typing import Any, TextIO

from exchange.csv.spreadsheet import escape_cell
from models.database.engines import Database
from models.exact_json import JSONText, dumps
from models.findings import RULES, Scope
from models.findings.reading import SHOWN, stream


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments that `run` reads."""
    scope = parser.add_mutually_exclusive_group()
    for name, described in (
        ("product", "a product and all lots in it"),
        ("batch", "a cacao batch and all lots in it"),
        ("supplier", "the batches of a supplier"),
    ):
        scope.add_argument(
            f"--{name}", type=int, metavar="N", help=f"only findings of {described}, by number"
        )
    parser.add_argument("--own", action="store_true", help="exclude the lots that it was made from")
    parser.add_argument(
        "--rule",
        action="append",
        choices=[rule.code for rule in RULES],
        metavar="RULE",
        help="only findings of this rule; repeat for several",
    )
    parser.add_argument(
        "--format",
        choices=("csv", "json"),
        default="csv",
        help="json writes one object a line (default: %(default)s)",
    )


def run(args: Namespace, database: Database) -> int:
    """Write the findings, or an error; return the exit code."""
    rules = [rule for rule in RULES if not args.rule or rule.code in args.rule]
    found = stream(database, scope_of(args), rules)
    write = write_json if args.format == "json" else write_csv
    try:
        return 1 if write(found, sys.stdout) else 0
    except LookupError as missing:
        print(f"error: this product, batch or supplier does not exist: {missing}", file=sys.stderr)
        return 2


def scope_of(args: Namespace) -> Scope:
    """Return the scope that the arguments name."""
    upstream = "false" if args.own else "true"
    if args.product is not None:
        return Scope("Product", str(args.product), upstream)
    if args.batch is not None:
        return Scope("CacaoBatch", str(args.batch), upstream)
    if args.supplier is not None:
        return Scope("Supplier", str(args.supplier), upstream)
    return Scope()


def write_csv(found: Iterable[dict[str, Any]], output: TextIO) -> int:
    """Write CSV (RFC 4180), escaped for spreadsheets; return the row count."""
    writer, count = csv.writer(output), 0
    for finding in found:
        if count == 0:
            writer.writerow(SHOWN)
        values = finding.values()
        writer.writerow(escape_cell(each) if isinstance(each, str) else each for each in values)
        count += 1
    if count == 0:
        writer.writerow(SHOWN)
    return count


def write_json(found: Iterable[dict[str, Any]], output: TextIO) -> int:
    """Write one JSON object a line; return the number of findings."""
    count = 0
    for finding in found:
        shown = finding | {"evidence": JSONText(finding["evidence"])}
        output.write(dumps(shown, ensure_ascii=False) + "\n")
        count += 1
    return count
