"""The subcommand `audit`: export, verify and findings.

Exit codes: 0 if done or verified; 1 if not verified, if nothing can be exported, or with findings; 2 if a
key, file or argument is unusable. Verifying a bundle needs neither a database nor settings.
"""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from audit import findings_command as findings
from ledger.verifier import NotVerified, exit_code_of, read_key_argument, verify_file
from models.database.engines import Database

_SHOWN = 20


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of `server.py audit`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    exporting = actions.add_parser("export", help="write the bundle of a product")
    exporting.add_argument("--product", metavar="N", type=int, required=True, help="its number")
    exporting.add_argument(
        "--out", metavar="FILE", type=Path, help="write to this file instead of standard output"
    )
    verifying = actions.add_parser("verify", help="verify a bundle or, without FILE, the database")
    verifying.add_argument("file", metavar="FILE", type=Path, nargs="?", help="a bundle")
    verifying.add_argument(
        "--key",
        metavar="PUB",
        action="append",
        required=True,
        help="verifier key, PEM, or a file that contains it; for a database, repeat it for each earlier key",
    )
    verifying.add_argument(
        "--checkpoints",
        metavar="FILE",
        type=Path,
        help="published checkpoints (LEDGER_CHECKPOINTS), which reveal that the last events were deleted",
    )
    finding = actions.add_parser("findings", help="list the findings of rules")
    findings.add_arguments(finding)


def needs_database(args: Namespace) -> bool:
    """Whether the action reads the database."""
    return args.action != "verify" or args.file is None


def run(args: Namespace, database: Database | None) -> int:
    """Run an action; return the exit code."""
    if args.action == "verify" and args.file is not None:
        return exit_code_of(lambda: verify_file(args.file, args.key[-1]))
    assert database is not None
    if args.action == "verify":
        return exit_code_of(lambda: _verify(args, database))
    if args.action == "findings":
        return findings.run(args, database)
    return _export(args, database)


def _export(args: Namespace, database: Database) -> int:
    from audit.bundle_export import CannotExport, export_bundle
    from ledger.consistency import Forked
    from ledger.signed_note import UnusableKey

    try:
        bundle = export_bundle(database, args.log_config, args.product)
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
    from audit.database_verification import verify_database

    keys = [read_key_argument(key) for key in args.key]
    published = args.checkpoints or args.log_config.published
    if args.checkpoints is None and published is not None and not published.exists():
        published = None
    done = verify_database(database, keys, published)
    if done.findings:
        first = [finding.describe() for finding in done.sorted()[:_SHOWN]]
        raise NotVerified("\n  ".join(first))
    compared = f", {published}" if published else "; no published checkpoints to compare with"
    unsigned = done.events - done.signed
    return (
        f"verified: {done.events} events, {done.checkpoints} checkpoints of database{compared}"
        + (f"; the last {unsigned} events are not signed yet" if unsigned else "")
    )
