"""The subcommand `import KIND FILE`: its arguments, its output, its exit code.

0: nothing was rejected, whatever the warnings; 1: some rows were; 2: the file or the options cannot
be used.
"""

import sys
from argparse import (
    Action,
    ArgumentParser,
    ArgumentTypeError,
    Namespace,
    RawDescriptionHelpFormatter,
)
from collections.abc import Sequence
from pathlib import Path

from exchange.csv.columns.decimal_separator import DECIMALS
from exchange.csv.errors import BadOptions, Unusable
from exchange.csv.importers.registry import IMPORTERS
from exchange.csv.importing import import_csv
from exchange.csv.reading.text_encoding import parse_delimiter
from exchange.csv.report.field_help import describe_fields
from exchange.csv.report.progress import show_progress
from ledger.command import integrate_after
from models.database.engines import Database


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what `run` reads from the parsed arguments."""
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.epilog = "\n\n".join(map(describe_fields, IMPORTERS.values()))
    parser.add_argument(
        "kind", action=_Kind, metavar="KIND", choices=list(IMPORTERS), help=", ".join(IMPORTERS)
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="CSV, or XLSX, with a header line")
    parser.add_argument(
        "--map",
        metavar="COLUMN=FIELD",
        type=_split_mapping,
        action="append",
        default=[],
        help="read a field from a column of another name",
    )
    parser.add_argument(
        "--set",
        metavar="FIELD=VALUE",
        type=_split_constant,
        action="append",
        default=[],
        help="one value for every row",
    )
    _add_reading(parser)
    parser.add_argument("--dry-run", action="store_true", help="report, and write nothing")
    parser.add_argument(
        "--reject",
        metavar="FILE",
        type=Path,
        help="write rejected rows here, and warnings, whose code starts with WARNING_",
    )
    parser.add_argument(
        "--all-or-nothing",
        action="store_true",
        help="write nothing if any row is rejected; a warning is no rejection",
    )
    parser.add_argument(
        "--clear",
        metavar="FIELD",
        action="append",
        default=[],
        help="an empty cell of this field erases the known value, which it else leaves as it is",
    )
    parser.add_argument(
        "--allow-identity-change",
        action="store_true",
        help="let a row change the harvest or production date, stage, supplier or manufacturer of"
        " what is in use; else it is rejected",
    )


def _add_reading(parser: ArgumentParser) -> None:
    """Declare how the bytes of the file are read."""
    parser.add_argument("--delimiter", help="instead of the detected one of , ; and tab")
    parser.add_argument(
        "--encoding", help="of CSV: utf-8 if left out; cp1252 is what Excel writes in the West"
    )
    parser.add_argument("--sheet", help="of XLSX, by name; needed where it has several")
    parser.add_argument(
        "--decimal",
        choices=DECIMALS,
        default="auto",
        help="the decimal separator; auto decides for each column of numbers by all of its cells,"
        " and refuses the file where they cannot tell (default: %(default)s)",
    )


class _Kind(Action):
    """Keeps the kind; a `--help` behind it describes the fields of this kind alone."""

    def __call__(
        self,
        parser: ArgumentParser,
        namespace: Namespace,
        values: object,
        option_string: str | None = None,  # noqa: ARG002 - of argparse's signature
    ) -> None:
        namespace.kind = values
        parser.epilog = describe_fields(IMPORTERS[str(values)])


def run(args: Namespace, database: Database) -> int:
    """Import, print the report to standard output or the reason to standard error; the exit code."""
    try:
        with show_progress(args.file.name) as progress:
            report = import_csv(
                database,
                args.kind,
                args.file,
                mapping=_collect("--map", args.map),
                constants=_collect("--set", args.set),
                dry_run=args.dry_run,
                reject=args.reject,
                all_or_nothing=args.all_or_nothing,
                progress=progress.read,
                on_step=progress.merge,
                delimiter=args.delimiter and parse_delimiter(args.delimiter),
                encoding=args.encoding,
                sheet=args.sheet,
                decimal=args.decimal,
                clear=args.clear,
                allow_identity_change=args.allow_identity_change,
            )
    except Unusable as error:
        print(f"error: {error} ({error.code})", file=sys.stderr)
        return 2
    if report.written and args.kind == "transactions":
        integrate_after(database, getattr(args, "log_config", None))
    print(report)
    return report.exit_code


def _split_mapping(text: str) -> tuple[str, str]:
    column, equals, field = text.rpartition("=")
    return _require(text, equals, column, field)


def _split_constant(text: str) -> tuple[str, str]:
    field, equals, value = text.partition("=")
    return _require(text, equals, field, value)


def _require(text: str, equals: str, left: str, right: str) -> tuple[str, str]:
    if not equals or not left.strip():
        raise ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return left, right


def _collect(option: str, pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    collected = dict(pairs)
    if len(collected) < len(pairs):
        raise BadOptions(f"{option} names one of its keys twice")
    return collected
