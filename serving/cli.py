"""The command line, and the application of a worker, which uvicorn finds here.

A start never fails halfway: a bad setting, a taken port or a database that does not answer is one
line on standard error, without a traceback or a password.
"""

import argparse
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette

from serving import logs
from serving.app import create_app, log_config_of
from serving.settings import VARIABLES, Settings, SettingsError, mask

if TYPE_CHECKING:
    from models.database.engines import Database
    from models.migration.status import State, Status

__all__ = ["Settings", "SettingsError", "create_app", "main", "worker"]

# How long a start waits for the database, its schema included.
START_SECONDS = 30.0

log = logging.getLogger("cacaotrace")


class StartError(Exception):
    """What the process needs is not there: a port, a database."""


def worker() -> Starlette:
    """Return the application of one worker process of several, which ends with its parent."""
    parent = multiprocessing.parent_process()

    def end_with_parent() -> None:
        assert parent is not None
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    if parent is not None:
        threading.Thread(target=end_with_parent, daemon=True).start()
    settings = Settings.from_environment(os.environ)
    logs.configure(settings.log_level, settings.log_format)
    return create_app(settings)


@contextmanager
def opened_database(
    settings: Settings, shared: bool = True, accepted: "Container[Status]" = ()
) -> "Iterator[tuple[str, Database]]":
    """Provide the URL and the Database of these settings, with the schema of this program.

    `shared`: another process may be running the embedded database. Raises StartError, also for a
    schema of another version whose status is not `accepted`.
    """
    if settings.database_url:
        with _reached(settings.database_url, settings, accepted) as database:
            yield settings.database_url, database
        return
    try:
        from models.embedded.server import EmbeddedError, connect_or_start, start
    except ImportError as error:
        raise StartError("no embedded database on this platform: set DATABASE_URL") from error
    folder = settings.data_dir / "postgres"
    try:
        with connect_or_start(folder) if shared else start(folder) as running:
            url = running if isinstance(running, str) else running.url
            with _reached(url, settings, accepted) as database:
                yield url, database
    except EmbeddedError as error:
        raise StartError(str(error)) from error


@contextmanager
def _reached(url: str, settings: Settings, accepted: "Container[Status]") -> "Iterator[Database]":
    import psycopg2
    from sqlalchemy.exc import DBAPIError

    from models.database.engines import Database
    from models.database.waiting import within

    database = Database(url, settings.pool_size)
    try:
        try:
            state = within(START_SECONDS, partial(_prepare, database, accepted))
        except (DBAPIError, psycopg2.Error, TimeoutError) as error:
            late = f"it did not answer within {START_SECONDS:g} s"
            reason = (str(getattr(error, "orig", error)).strip() or late).splitlines()[0]
            raise StartError(f"cannot use the database {mask(url)}: {reason}") from error
        if state.advice and state.status not in accepted:
            raise StartError(f"cannot use the database {mask(url)}: {state.advice}")
        yield database
    finally:
        database.close()


def _prepare(database: "Database", accepted: "Container[Status]") -> "State":
    """Wait for the database and return the state of its schema, which is applied where there is none."""
    from models.migration.status import State, Status

    database.is_ready()
    if Status.EMPTY in accepted:
        # `migrate` inspects the database under its own lock.
        return State(Status.EMPTY)
    if database.apply_schema():
        log.info("applied schema.sql")
    return database.inspect_schema()


def _upgrade(database: "Database") -> None:
    """Run the migrations that the embedded database lacks; raises StartError where they cannot."""
    from models.database.waiting import within
    from models.migration.migrate import MigrationError, migrate

    try:
        for migration in within(None, partial(migrate, database.engine())):
            log.info("migrated the database to version %s", migration.version)
    except MigrationError as error:
        raise StartError(f"cannot use the embedded database: {error}") from error


def serve(settings: Settings, _args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; 0 after either."""
    from serving.process import CannotListen, run

    embedded = not settings.database_url
    from models.migration.status import Status

    with (
        suppress(KeyboardInterrupt),
        opened_database(settings, False, [Status.BEHIND] if embedded else []) as (url, database),
    ):
        from models import sample_data
        from models.database.waiting import within

        if embedded:
            _upgrade(database)
        if embedded and within(START_SECONDS, partial(sample_data.is_empty, database)):
            log.info("filling the new database with sample data")
            within(None, partial(sample_data.fill, database))
        if not embedded and not settings.production:
            log.warning("PROFILE is development: anyone may ask for the schema")
        if log_config_of(settings).key is None:
            log.warning("LEDGER_KEY is not set: checkpoints of the ledger are not signed")
        database.close()
        serving = replace(settings, database_url=url)
        # Where there are several worker processes, they read their settings there.
        os.environ.update(serving.to_environment())
        try:
            return run(serving, create_app)
        except CannotListen as error:
            raise StartError(str(error)) from error
    return 0


def _delegate(settings: Settings, args: argparse.Namespace) -> int:
    """Run the subcommand of another module on the database."""
    module = import_module(COMMANDS[args.command].module)
    if args.command == "audit" and not module.needs_database(args):
        return int(module.run(args, None))
    from models.migration.status import Status

    # `migrate` itself says what is wrong with a schema.
    accepted = list(Status) if args.command == "migrate" else []
    with opened_database(settings, accepted=accepted) as (_, database):
        if args.command in KEEPING:
            args.log_config = log_config_of(settings)
        return int(module.run(args, database))


def _schema(_settings: Settings, _args: argparse.Namespace) -> int:
    from graph.schema import schema

    print(schema.as_str())
    return 0


@dataclass(frozen=True)
class Command:
    """A subcommand; `module`, where named, declares its arguments and is loaded only then."""

    summary: str
    run: Callable[[Settings, argparse.Namespace], int]
    module: str = ""


# Subcommands that need the configuration of the log.
KEEPING = ("import", "ledger", "audit")
COMMANDS = {
    "serve": Command("serve the API until Ctrl-C or SIGTERM", serve),
    "import": Command("import a CSV or XLSX file", _delegate, "exchange.import_command"),
    "migrate": Command("upgrade the schema of the database", _delegate, "serving.migrate_command"),
    "user": Command("add, list, change or remove users", _delegate, "models.accounts.command"),
    "sample": Command("fill an empty database with sample data", _delegate, "models.sample_data"),
    "ledger": Command("integrate events, or print the key", _delegate, "ledger.command"),
    "audit": Command(
        "export a bundle of a product, verify, or list findings", _delegate, "audit.command"
    ),
    "schema": Command("print the GraphQL schema", _schema),
}


def parse(argv: list[str]) -> tuple[Command | None, argparse.Namespace]:
    """Return the subcommand and its arguments; None without one, after printing the help."""
    layout: dict[str, Any] = {
        "epilog": VARIABLES,
        "formatter_class": argparse.RawDescriptionHelpFormatter,
    }
    about = "A GraphQL API that traces chocolate from bar to bean."
    parser = argparse.ArgumentParser("server.py", description=about, **layout)
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, command in COMMANDS.items():
        summary = command.summary
        made = subparsers.add_parser(name, help=summary, description=summary, **layout)
        if command.module and argv[:1] == [name]:
            import_module(command.module).add_arguments(made)
    args = parser.parse_args(argv)
    if args.command is None:
        parser.print_help()
    return COMMANDS.get(args.command or ""), args


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _end_on_hangup() -> None:
    """Handle a closed terminal like SIGTERM; nohup's choice is kept."""
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))


def main(argv: list[str]) -> int:
    """Run a subcommand; the exit code: 1 if something is not there, 2 if something is misspelt."""
    command, args = parse(argv)
    if command is None:
        return 0
    signal.signal(signal.SIGTERM, _interrupt)
    _end_on_hangup()
    try:
        settings = Settings.from_environment(os.environ)
        logs.configure(settings.log_level, settings.log_format)
        return command.run(settings, args)
    except (SettingsError, StartError) as error:
        _complain(str(error))
        return 2 if isinstance(error, SettingsError) else 1
    except KeyboardInterrupt:
        return 130


def _complain(message: str) -> None:
    """Say on standard error why the command ends, in the format of the log."""
    if os.environ.get("LOG_FORMAT", "").strip().lower() == "json":
        # Nothing else may have been set up before a setting is refused.
        logs.configure("info", "json")
        log.error("%s", message)
    else:
        print(f"error: {message}", file=sys.stderr)
