"""The application of one process: its settings put into effect, its threads, its probes."""

import gc
import logging
import multiprocessing
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from anyio import CapacityLimiter, move_on_after, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

from serving.settings import Settings, SettingsError

if TYPE_CHECKING:
    from graph.auth.authentication import AccessPolicy
    from ledger.integrator_thread import IntegratorThread
    from ledger.log_config import LogConfig
    from models.database.engines import Database
    from models.idempotency import KeySweeper
    from models.migration.status import State

WEB = Path(__file__).parents[1] / "web"
PROBE_SECONDS = 3

log = logging.getLogger("cacaotrace")


def create_app(settings: Settings, database: "Database | None" = None) -> Starlette:
    """Yield the ASGI application; a `database` that is given stays open when the application ends.

    Raises SettingsError where a trusted document cannot be used.
    """
    from graph.endpoints.graphql import application
    from graph.execution.trusted_documents import UnusableDocuments, load_trusted_documents
    from models.database.engines import Database
    from models.database.timeouts import Timeouts

    limits = settings.limits
    opened = database or Database(
        settings.database_url,
        settings.pool_size,
        prepare=settings.prepare,
        timeouts=Timeouts(limits.request_seconds, limits.pool_seconds),
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
                end_within(2, 0)

    def redirect(_request: Request) -> RedirectResponse:
        return RedirectResponse("/graphql")

    try:
        return application(
            opened,
            access=access_policy_of(settings),
            web=WEB,
            trusted=load_trusted_documents(settings.trusted_documents, only=settings.trusted_only),
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


def _start_threads(
    database: "Database", settings: Settings
) -> "tuple[IntegratorThread, KeySweeper]":
    """Start what runs beside the requests of a process: each has a `stop`."""
    from ledger.integrator_thread import IntegratorThread
    from models.idempotency import KeySweeper

    threads = (
        IntegratorThread(database, log_config_of(settings)),
        KeySweeper(database, settings.limits.idempotency_hours),
    )
    for thread in threads:
        thread.start()
    return threads


def log_config_of(settings: Settings) -> "LogConfig":
    """Who keeps the ledger; raises SettingsError where its key cannot be used."""
    from ledger.log_config import LogConfig
    from ledger.signed_note import UnusableKey, make_key

    log_config = LogConfig(settings.ledger_origin, settings.ledger_key, settings.ledger_checkpoints)
    try:
        # The embedded database has a key of its own, where none is named.
        if settings.ledger_key == settings.data_dir / "ledger.key" and make_key(
            settings.ledger_key
        ):
            log.info("made the ledger's key, %s", settings.ledger_key)
        log_config.signer()
    except (UnusableKey, OSError) as error:
        raise SettingsError(f"LEDGER_KEY: {error}") from None
    return log_config


def access_policy_of(settings: Settings) -> "AccessPolicy":
    """How open the server is; raises SettingsError where an issuer cannot be trusted."""
    from graph.auth.authentication import AccessPolicy
    from graph.auth.issuer import Issuer

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
    return AccessPolicy(settings.production, settings.public_read, settings.dev_role, issuer)


def _settle_memory() -> None:
    """Freeze what was made until now: the collector need not walk it during requests.

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

    def state() -> "State | None":
        # A connection of the pool may be older than the database's last restart: ask twice.
        for _ in range(2):
            with suppress(SQLAlchemyError):
                return database.schema_state()
        return None

    async def live(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "OK"})

    async def ready(_request: Request) -> JSONResponse:
        found = None
        with move_on_after(PROBE_SECONDS):
            found = await to_thread.run_sync(state, abandon_on_cancel=True, limiter=limiter)
        if found is not None and not found.advice:
            return JSONResponse({"status": "ok", "database": "ok"})
        if found is not None:
            words = {
                "code": found.status.value,
                "message": f"The database cannot be used: {found.advice}.",
            }
            return JSONResponse(
                {"status": "unavailable", "database": found.status.name.lower(), **words}, 503
            )
        return JSONResponse(
            {"status": "unavailable", "database": "unreachable"}, 503, {"Retry-After": "5"}
        )

    return [Route("/api/health", live), Route("/api/health/ready", ready)]


async def _answer_http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


def end_within(seconds: float, code: int) -> None:
    """Do not wait longer for threads that ask a database which does not answer."""
    last = threading.Timer(seconds, os._exit, (code,))
    last.daemon = True
    last.start()
