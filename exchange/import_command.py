"""The subcommand `import KIND FILE`.

Exit codes: 0 if no row was rejected, even if there are warnings; 1 if rows were rejected; 2 if the file or
the options cannot be used.
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
from exchange.csv.reading.delimiter import parse_delimiter
from exchange.csv.report.field_help import describe_fields
from exchange.csv.report.progress import show_progress
from ledger.command import integrate_after
from models.database.engines import Database


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments that `run` reads."""
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
    _add_reading_arguments(parser)
    _add_writing_arguments(parser)


def _add_reading_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments for reading the file."""
    parser.add_argument(
        "--delimiter", help="the delimiter of CSV; by default , ; or tab is detected"
    )
    parser.add_argument(
        "--encoding",
        help="the encoding of CSV (default: utf-8); Excel in Western Europe writes cp1252",
    )
    parser.add_argument(
        "--sheet", help="the sheet of XLSX, by name; required if the file has several"
    )
    parser.add_argument(
        "--decimal",
        choices=DECIMALS,
        default="auto",
        help="the decimal separator; auto chooses it for each column by all of its cells, and fails"
        " if they are ambiguous (default: %(default)s)",
    )


def _add_writing_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments for what is written."""
    parser.add_argument(
        "--dry-run", action="store_true", help="report what would be written, and write nothing"
    )
    parser.add_argument(
        "--reject",
        metavar="FILE",
        type=Path,
        help="write rejected rows to this file, and rows with a warning, whose code starts with"
        " WARNING_",
    )
    parser.add_argument(
        "--all-or-nothing",
        action="store_true",
        help="write nothing if any row is rejected; warnings do not count",
    )
    parser.add_argument(
        "--clear",
        metavar="FIELD",
        action="append",
        default=[],
        help="let an empty cell of this field erase the stored value, which it otherwise keeps",
    )
    parser.add_argument(
        "--allow-identity-change",
        action="store_true",
        help="let a row change the harvest or production date, stage, supplier or manufacturer of"
        " a lot in use; otherwise such a row is rejected",
    )


class _Kind(Action):
    """Stores KIND; a `--help` after it describes only the fields of this kind."""

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
    """Import; print the report, or the error to standard error; return the exit code."""
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
        raise BadOptions(f"{option} is given twice for one name")
    return collected
