"""The subcommand `audit`: exports the bundle of a product, verifies one or the whole database, lists findings.

0: done, or verified; 1: not verified, nothing to export, or something was found; 2: what cannot be used.
To verify a bundle takes no database and no settings.
"""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from audit import findings
from ledger.verifier import NotVerified, exit_code_of, read_key_argument, verify_file
from models.database.engines import Database

_SHOWN = 20


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options of `server.py audit`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    exporting = actions.add_parser("export", help="write the bundle of a product")
    exporting.add_argument("--product", metavar="N", type=int, required=True, help="its number")
    exporting.add_argument("--out", metavar="FILE", type=Path, help="instead of standard output")
    verifying = actions.add_parser("verify", help="verify a bundle, or without FILE the database")
    verifying.add_argument("file", metavar="FILE", type=Path, nargs="?", help="a bundle")
    verifying.add_argument(
        "--key",
        metavar="PUB",
        action="append",
        required=True,
        help="verifier key, PEM, or a file with it; of a database again for each earlier key",
    )
    verifying.add_argument(
        "--checkpoints",
        metavar="FILE",
        type=Path,
        help="published checkpoints (LEDGER_CHECKPOINTS), which tell of a tail that was cut off",
    )
    finding = actions.add_parser("findings", help="list what breaks a rule")
    findings.add_arguments(finding)


def needs_database(args: Namespace) -> bool:
    """Whether the command asks the database anything."""
    return args.action != "verify" or args.file is None


def run(args: Namespace, database: Database | None) -> int:
    """Do as the command line asks; the exit code."""
    if args.action == "verify" and args.file is not None:
        return exit_code_of(lambda: verify_file(args.file, args.key[-1]))
    assert database is not None
    if args.action == "verify":
        return exit_code_of(lambda: _verify(args, database))
    if args.action == "findings":
        return findings.run(args, database)
    return _export(args, database)


def _export(args: Namespace, database: Database) -> int:
    from audit.export import CannotExport, export
    from ledger.signed_log import Forked
    from ledger.signed_note import UnusableKey

    try:
        bundle = export(database, args.log_config, args.product)
        if args.out is None:
            sys.stdout.buffer.write(bundle.encode())
        else:
            args.out.write_bytes(bundle.encode())
    except (CannotExport, Forked) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except UnusableKey as error:
        print(f"error: LEDGER_KEY: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {args.out} cannot be written: {error.strerror}", file=sys.stderr)
        return 2
    return 0


def _verify(args: Namespace, database: Database) -> str:
    from ledger.verification import examine

    keys = [read_key_argument(key) for key in args.key]
    published = args.checkpoints or args.log_config.published
    if args.checkpoints is None and published is not None and not published.exists():
        published = None
    done = examine(database, keys, published)
    if done.findings:
        told = [finding.described() for finding in done.sorted()[:_SHOWN]]
        raise NotVerified("\n  ".join(told))
    apart = f", {published}" if published else "; no published checkpoints to compare with"
    unsigned = done.events - done.signed
    return f"verified: {done.events} events, {done.checkpoints} checkpoints of database{apart}" + (
        f"; the last {unsigned} events are not signed yet" if unsigned else ""
    )
