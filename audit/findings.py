"""The subcommand `audit findings`: what breaks a rule, as CSV or as JSON, however much it is.

0: nothing was found; 1: something was; 2: there is no such product, batch or supplier. No text
of the data is computed or rewritten by a spreadsheet.
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
    """Declare what `run` reads from the parsed arguments."""
    whose = parser.add_mutually_exclusive_group()
    for name, of in (
        ("product", "a product and all it was made of"),
        ("batch", "a cacao batch and all it was made of"),
        ("supplier", "a supplier's batches"),
    ):
        whose.add_argument(f"--{name}", type=int, metavar="N", help=f"only of {of}, by number")
    parser.add_argument("--own", action="store_true", help="without what it was made of")
    parser.add_argument(
        "--rule",
        action="append",
        choices=[rule.code for rule in RULES],
        metavar="RULE",
        help="only of this rule; may be given again",
    )
    parser.add_argument(
        "--format",
        choices=("csv", "json"),
        default="csv",
        help="json: an object a line (default: %(default)s)",
    )


def run(args: Namespace, database: Database) -> int:
    """Write the findings to standard output, the reason for none to standard error; the exit code."""
    rules = [rule for rule in RULES if not args.rule or rule.code in args.rule]
    found = stream(database, scope_of(args), rules)
    write = write_json if args.format == "json" else write_csv
    try:
        return 1 if write(found, sys.stdout) else 0
    except LookupError as missing:
        print(f"error: there is no such product, batch or supplier: {missing}", file=sys.stderr)
        return 2


def scope_of(args: Namespace) -> Scope:
    """Whose findings the arguments ask for."""
    upstream = "false" if args.own else "true"
    if args.product is not None:
        return Scope("Product", str(args.product), upstream)
    if args.batch is not None:
        return Scope("CacaoBatch", str(args.batch), upstream)
    if args.supplier is not None:
        return Scope("Supplier", str(args.supplier), upstream)
    return Scope()


def write_csv(found: Iterable[dict[str, Any]], output: TextIO) -> int:
    """RFC 4180 with a header, escape_cell to a spreadsheet; how many findings were written."""
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
    """Return an object a line; how many findings were written."""
    count = 0
    for finding in found:
        shown = finding | {"evidence": JSONText(finding["evidence"])}
        output.write(dumps(shown, ensure_ascii=False) + "\n")
        count += 1
    return count
