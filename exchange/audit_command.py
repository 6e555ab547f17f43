"""The subcommand `audit ACTION`: what an auditor asks of a database, each action in a module of its own."""

from argparse import ArgumentParser, Namespace
from types import ModuleType

from exchange import findings_command
from models.database import Database

ACTIONS: dict[str, tuple[ModuleType, str]] = {
    "findings": (findings_command, "list what breaks a rule")
}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the actions and what each reads from the parsed arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, (module, summary) in ACTIONS.items():
        module.add_arguments(actions.add_parser(name, help=summary, description=summary))


def run(args: Namespace, database: Database) -> int:
    """Run an action; its exit code."""
    module, _ = ACTIONS[args.action]
    return int(module.run(args, database))
