"""The subcommand `ledger`: integrates waiting events, or prints the verifier key.

Exit codes: 0 if done; 1 if the ledger is not the one that was signed, or if another process integrates; 2
without a usable key.
"""

import sys
from argparse import ArgumentParser, Namespace

from ledger.consistency import Forked
from ledger.integrator import integrate
from ledger.log_config import LogConfig
from ledger.signed_note import UnusableKey
from models.database.engines import Database

_ACTIONS = {
    "integrate": "append waiting events to the ledger, and sign a checkpoint",
    "key": "print the public key that verifies checkpoints and bundles",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of `server.py ledger`."""
    actions = "; ".join(f"{name}: {what}" for name, what in _ACTIONS.items())
    parser.add_argument("action", choices=_ACTIONS, help=actions)


def run(args: Namespace, database: Database) -> int:
    """Run an action; return the exit code."""
    log_config: LogConfig = args.log_config
    try:
        return _show_key(log_config) if args.action == "key" else _integrate(database, log_config)
    except UnusableKey as error:
        print(f"error: LEDGER_KEY: {error}", file=sys.stderr)
        return 2


def _show_key(log_config: LogConfig) -> int:
    signer = log_config.signer()
    if signer is None:
        raise UnusableKey("it is not set")
    print(signer.key)
    return 0


def _integrate(database: Database, log_config: LogConfig) -> int:
    try:
        done = integrate(database, log_config)
    except Forked as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if done is None:
        print("another process integrates events now", file=sys.stderr)
        return 1
    unsigned = "" if log_config.key else ", unsigned: LEDGER_KEY is not set"
    print(f"{done.events} events became leaves of the ledger, which has {done.size}{unsigned}")
    return 0


def integrate_after(database: Database, log_config: LogConfig | None) -> None:
    """Integrate the events of an import; a failure is only a warning."""
    if log_config is None:
        return
    try:
        integrate(database, log_config)
    except (Forked, UnusableKey) as error:
        print(f"warning: the events wait for the ledger: {error}", file=sys.stderr)
