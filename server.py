"""The process: the application and the command line. Nothing imports it but uvicorn.

Refuses to start half: a bad setting, a taken port, a database that does not answer are each one
line on standard error, without a traceback or a password.
"""

import argparse
import gc
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyio import CapacityLimiter, move_on_after, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

import logs
from settings import VARIABLES, Settings, SettingsError, mask

if TYPE_CHECKING:
    from graph.door import Access
    from ledger.integrate import Keeper
    from ledger.worker import Worker
    from models.database import Database
    from models.idempotency import KeySweeper

__all__ = ["Settings", "SettingsError", "create_app", "main", "worker"]

WEB = Path(__file__).parent / "web"
PROBE_SECONDS = 3
# How long a start waits for the database, its schema included.
START_SECONDS = 30.0

log = logging.getLogger("cacaotrace")


class StartError(Exception):
    """What the process needs is not there: a port, a database."""


# ---------------------------------------------------------------- the application


def create_app(settings: Settings, database: "Database | None" = None) -> Starlette:
    """The ASGI application; a `database` that is given stays open when the application ends.

    Raises SettingsError where a trusted document cannot be used.
    """
    from graph.http import application
    from graph.trusted import UnusableDocuments, load
    from models.database import Database
    from models.patience import Patience

    limits = settings.limits
    opened = database or Database(
        settings.database_url,
        settings.pool_size,
        prepare=settings.prepare,
        patience=Patience(limits.request_seconds, limits.pool_seconds),
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        if database is None:
            _settle_memory()
            threads = _start_threads(opened, settings)
        yield
        if database is None:
            for thread in threads:
                await to_thread.run_sync(thread.stop)
            opened.close()
            if multiprocessing.parent_process() is not None:
                _end_within(2, 0)

    def redirect(_request: Request) -> RedirectResponse:
        return RedirectResponse("/graphql")

    try:
        return application(
            opened,
            access=access_of(settings),
            web=WEB,
            trusted=load(settings.trusted_documents, only=settings.trusted_only),
            registering=settings.persisted_queries,
            origins=frozenset(origin.encode() for origin in settings.cors_origins),
            proxied=bool(settings.proxies),
            limits=limits.shared(settings.workers),
            routes=[Route("/", redirect), *_health(opened)],
            exception_handlers={HTTPException: _answer_http_error},
            lifespan=lifespan,
        )
    except UnusableDocuments as error:
        raise SettingsError(f"TRUSTED_DOCUMENTS: {error}") from None


def _start_threads(database: "Database", settings: Settings) -> "tuple[Worker, KeySweeper]":
    """Start what runs beside the requests of a process: each has a `stop`."""
    from ledger.worker import Worker
    from models.idempotency import KeySweeper

    threads = (
        Worker(database, keeper_of(settings)),
        KeySweeper(database, settings.limits.idempotency_hours),
    )
    for thread in threads:
        thread.start()
    return threads


def keeper_of(settings: Settings) -> "Keeper":
    """Who keeps the ledger; raises SettingsError where its key cannot be used."""
    from ledger.integrate import Keeper
    from ledger.note import UnusableKey, make_key

    keeper = Keeper(settings.ledger_origin, settings.ledger_key, settings.ledger_checkpoints)
    try:
        # The embedded database has a key of its own, where none is named.
        if settings.ledger_key == settings.data_dir / "ledger.key" and make_key(
            settings.ledger_key
        ):
            log.info("made the ledger's key, %s", settings.ledger_key)
        keeper.signer()
    except (UnusableKey, OSError) as error:
        raise SettingsError(f"LEDGER_KEY: {error}") from None
    return keeper


def access_of(settings: Settings) -> "Access":
    """How open the server is; raises SettingsError where an issuer cannot be trusted."""
    from graph.door import Access
    from graph.issuer import Issuer

    issuer = None
    if settings.oidc_issuer:
        try:
            issuer = Issuer(
                settings.oidc_issuer,
                settings.oidc_audience,
                settings.oidc_jwks_url,
                settings.oidc_role_claim,
            )
        except ValueError as error:
            raise SettingsError(f"OIDC_ISSUER: {error}") from None
    return Access(settings.production, settings.public_read, settings.dev_role, issuer)


def _settle_memory() -> None:
    """What was made until now stays: the collector need not walk it during requests.

    A thread beside the event loop lets it go on soon, and so at each of its system calls.
    """
    sys.setswitchinterval(0.00002)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 3)


def _health(database: "Database") -> list[Route]:
    from sqlalchemy.exc import SQLAlchemyError

    # Probes that hang must not take the threads that requests need.
    limiter = CapacityLimiter(2)

    def answers() -> bool:
        # A connection of the pool may be older than the database's last restart: ask twice.
        for _ in range(2):
            with suppress(SQLAlchemyError):
                return database.is_ready()
        return False

    async def live(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "OK"})

    async def ready(_request: Request) -> JSONResponse:
        with move_on_after(PROBE_SECONDS):
            if await to_thread.run_sync(answers, abandon_on_cancel=True, limiter=limiter):
                return JSONResponse({"status": "ok", "database": "ok"})
        return JSONResponse(
            {"status": "unavailable", "database": "unreachable"}, 503, {"Retry-After": "5"}
        )

    return [Route("/api/health", live), Route("/api/health/ready", ready)]


async def _answer_http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


def worker() -> Starlette:
    """The application of one worker process of several, which ends with its parent."""
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


# ---------------------------------------------------------------- the command line


@contextmanager
def opened_database(settings: Settings, shared: bool = True) -> "Iterator[tuple[str, Database]]":
    """The URL and the Database of these settings, with the schema applied.

    `shared`: another process may be running the embedded database. Raises StartError.
    """
    if settings.database_url:
        with _reached(settings.database_url, settings) as database:
            yield settings.database_url, database
        return
    try:
        from models.embedded import EmbeddedError, connect_or_start, start
    except ImportError as error:
        raise StartError("no embedded database on this platform: set DATABASE_URL") from error
    folder = settings.data_dir / "postgres"
    try:
        with connect_or_start(folder) if shared else start(folder) as running:
            url = running if isinstance(running, str) else running.url
            with _reached(url, settings) as database:
                yield url, database
    except EmbeddedError as error:
        raise StartError(str(error)) from error


@contextmanager
def _reached(url: str, settings: Settings) -> "Iterator[Database]":
    import psycopg2
    from sqlalchemy.exc import DBAPIError

    from models.database import Database
    from models.waiting import within

    database = Database(url, settings.pool_size)
    try:
        try:
            within(START_SECONDS, partial(_prepare, database))
        except (DBAPIError, psycopg2.Error, TimeoutError) as error:
            late = f"it did not answer within {START_SECONDS:g} s"
            reason = (str(getattr(error, "orig", error)).strip() or late).splitlines()[0]
            raise StartError(f"cannot use the database {mask(url)}: {reason}") from error
        yield database
    finally:
        database.close()


def _prepare(database: "Database") -> None:
    """Wait for the database, and apply the schema where there is none yet."""
    database.is_ready()
    if database.apply_schema():
        log.info("applied schema.sql")
    elif lacking := database.lacks():
        told = "the database was made for an earlier version; schema.sql also has %s"
        log.warning(told, ", ".join(lacking))


def serve(settings: Settings, _args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; 0 after either."""
    from serving import CannotListen, run

    embedded = not settings.database_url
    with suppress(KeyboardInterrupt), opened_database(settings, shared=False) as (url, database):
        from models import sample_data
        from models.waiting import within

        if embedded and within(START_SECONDS, partial(sample_data.is_empty, database)):
            log.info("filling the new database with sample data")
            within(None, partial(sample_data.fill, database))
        if not embedded and not settings.production:
            log.warning("PROFILE is development: anyone may ask for the schema")
        if keeper_of(settings).key is None:
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
    with opened_database(settings) as (_, database):
        if args.command in KEEPING:
            args.keeper = keeper_of(settings)
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


# Those that need whoever keeps the ledger.
KEEPING = ("import", "ledger", "audit")
COMMANDS = {
    "serve": Command("serve the API until Ctrl-C or SIGTERM", serve),
    "import": Command("import a CSV or XLSX file", _delegate, "exchange.import_command"),
    "user": Command("add, list, change or remove users", _delegate, "models.user_command"),
    "sample": Command("fill an empty database with sample data", _delegate, "models.sample_data"),
    "ledger": Command("integrate events, or print the key", _delegate, "ledger.command"),
    "audit": Command(
        "export a bundle of a product, verify, or list findings", _delegate, "audit.command"
    ),
    "schema": Command("print the GraphQL schema", _schema),
}


def parse(argv: list[str]) -> tuple[Command | None, argparse.Namespace]:
    """The subcommand and its arguments; None without one, after printing the help."""
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
    """Take a closed terminal for SIGTERM, whoever handles that now; nohup's choice is kept."""
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


def _end_within(seconds: float, code: int) -> None:
    """Do not wait longer for threads that ask a database which does not answer."""
    last = threading.Timer(seconds, os._exit, (code,))
    last.daemon = True
    last.start()


if __name__ == "__main__":
    exit_code = main(sys.argv[1:])
    _end_within(2, exit_code)
    sys.exit(exit_code)
