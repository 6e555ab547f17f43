"""The subcommand `ledger`: integrates by hand, or prints the key that verifies checkpoints.

0: done; 1: the ledger is not the one that was signed, or another process integrates; 2: no usable key.
"""

import sys
from argparse import ArgumentParser, Namespace

from ledger.integrator import LogConfig, integrate
from ledger.signed_log import Forked
from ledger.signed_note import UnusableKey
from models.database.engines import Database

_ACTIONS = {
    "integrate": "make leaves of the events that wait, and sign a checkpoint",
    "key": "print the public key that checkpoints and bundles are verified with",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options of `server.py ledger`."""
    told = "; ".join(f"{name}: {what}" for name, what in _ACTIONS.items())
    parser.add_argument("action", choices=_ACTIONS, help=told)


def run(args: Namespace, database: Database) -> int:
    """Do as the command line asks; the exit code."""
    log_config: LogConfig = args.log_config
    try:
        return _show_key(log_config) if args.action == "key" else _integrate(database, log_config)
    except UnusableKey as error:
        print(f"error: LEDGER_KEY: {error}", file=sys.stderr)
        return 2


def _show_key(log_config: LogConfig) -> int:
    signer = log_config.signer()
    if signer is None:
        raise UnusableKey("it is not set: there is no key")
    print(signer.key)
    return 0


def _integrate(database: Database, log_config: LogConfig) -> int:
    try:
        done = integrate(database, log_config)
    except Forked as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if done is None:
        print("another process integrates now", file=sys.stderr)
        return 1
    unsigned = "" if log_config.key else ", unsigned: LEDGER_KEY is not set"
    print(f"{done.events} events became leaves of the ledger, which has {done.size}{unsigned}")
    return 0


def integrate_after(database: Database, log_config: LogConfig | None) -> None:
    """Integrate the events that an import queued; log why, if that is not possible."""
    if log_config is None:
        return
    try:
        integrate(database, log_config)
    except (Forked, UnusableKey) as error:
        print(f"warning: the events wait for the ledger: {error}", file=sys.stderr)
