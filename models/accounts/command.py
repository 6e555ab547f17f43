"""The subcommand `user add|list|set-role|set-password|remove`: who may sign in.

A password is asked for twice on the terminal or read from standard input, and never an argument,
which other users of the machine could read. 0: done; 1: refused, with the reason on standard error.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from getpass import getpass, getuser

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.accounts.account import create_user, find_user, remove_user, set_password, set_role
from models.database.engines import Database
from models.errors import AlreadyExists, DomainError, InvalidAttribute, violation_of
from models.user import USER_ROLES, User


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what `run` reads from the parsed arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = actions.add_parser("add", help="make a user")
    add.add_argument("name", metavar="NAME")
    add.add_argument("--role", choices=USER_ROLES, default="viewer", help="default: %(default)s")
    actions.add_parser("list", help="show all users, removed ones too")
    role = actions.add_parser("set-role", help="give a user another role")
    role.add_argument("name", metavar="NAME")
    role.add_argument("role", metavar="ROLE", choices=USER_ROLES, help=", ".join(USER_ROLES))
    password = actions.add_parser("set-password", help="give a user another password")
    password.add_argument("name", metavar="NAME")
    for asking in (add, password):
        asking.add_argument(
            "--password-stdin", action="store_true", help="read the password from standard input"
        )
    remove = actions.add_parser(
        "remove", help="remove a user; what they wrote stays, and the name taken"
    )
    remove.add_argument("name", metavar="NAME")


def run(args: Namespace, database: Database) -> int:
    """Do what is asked, in one transaction; the exit code."""
    action = _ACTIONS[args.action]
    try:
        with database.session(f"cli:{_account()}") as session:
            print(action(session, args))
            session.commit()
    except DomainError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _add(session: Session, args: Namespace) -> str:
    password = _read_password(args)
    try:
        create_user(session, args.name, password, args.role)
    except IntegrityError as error:
        found = violation_of(error)
        if found is None:
            raise
        told = str(found).replace("a user of this name", f"a user {args.name!r}")
        raise AlreadyExists(told) from None
    return f"{args.name} is a user now, with the role {args.role}"


def _list(session: Session, _args: Namespace) -> str:
    columns = select(User.username, User.role, User.created_at, User.removed_at)
    rows = session.execute(columns.order_by(User.username)).all()
    lines = [
        f"{name:<24} {role:<8} since {made:%Y-%m-%d}"
        + (f", removed {gone:%Y-%m-%d}" if gone else "")
        for name, role, made, gone in rows
    ]
    return "\n".join(lines) or "there are no users yet: server.py user add NAME --role admin"


def _set_role(session: Session, args: Namespace) -> str:
    set_role(session, find_user(session, args.name), args.role)
    return f"{args.name} has the role {args.role} now"


def _set_password(session: Session, args: Namespace) -> str:
    user = find_user(session, args.name)
    session.rollback()
    ended = set_password(session, user, _read_password(args))
    return f"{args.name} has another password now; sessions ended: {ended}"


def _remove(session: Session, args: Namespace) -> str:
    remove_user(session, find_user(session, args.name))
    return f"{args.name} is no user any more"


_ACTIONS: dict[str, Callable[[Session, Namespace], str]] = {
    "add": _add,
    "list": _list,
    "set-role": _set_role,
    "set-password": _set_password,
    "remove": _remove,
}


def _read_password(args: Namespace) -> str:
    if args.password_stdin:
        return sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    if not sys.stdin.isatty():
        raise InvalidAttribute("There is no terminal to ask for a password: --password-stdin")
    password = getpass("Password: ")
    if getpass("Again: ") != password:
        raise InvalidAttribute("The two passwords are not the same.")
    return password


def _account() -> str:
    """Return the operating system's name of the user who runs the command, or an empty text."""
    try:
        return getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
