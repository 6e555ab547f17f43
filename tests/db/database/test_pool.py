"""The pool of reading connections when PostgreSQL or the network fails."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import uvloop
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from models.database.asynchronous import Statement, dsn_of
from models.database.connection_limiter import DatabaseUnavailable
from models.database.engines import Database
from models.database.pool import Fetch, Pool
from models.database.timeouts import Timeouts
from models.embedded import server as embedded
from tests.bounds import within
from tests.conftest import FAST, temporary_folder
from tests.slow.faults.proxy import Mode, Proxy

ECHO = Statement("SELECT to_json($1::int)", 1)
SLEEP = Statement("SELECT to_json($1::int) FROM pg_sleep($2)", 2)
Act = Callable[[Pool], Awaitable[None]]


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    """Provide a proxy before a PostgreSQL of this module's own."""
    with temporary_folder() as folder, embedded.start(folder / "postgres", FAST):
        made = Proxy((folder / "postgres").resolve() / ".s.PGSQL.5432")
        yield made
        made.close()


def run(proxy: Proxy, act: Act, size: int = 4, timeouts: Timeouts = Timeouts()) -> None:  # noqa: B008
    """Run it on uvloop, as the server does."""

    async def main() -> None:
        url = make_url(f"postgresql+psycopg2://postgres@127.0.0.1:{proxy.port}/cacaotrace")
        dsn = dsn_of(url, timeouts.reading())
        pool = Pool(dsn, size, prepare=True, timeouts=timeouts)
        try:
            await act(pool)
        finally:
            pool.close()

    uvloop.run(main())


async def ask(pool: Pool, number: int) -> None:
    """Select a number and assert that this number is returned."""
    answer: Any = await pool.fetch(ECHO, [number])
    assert answer == number


def test_connections_that_are_reset_are_replaced_soon(proxy: Proxy) -> None:
    """Uvloop does not report a reset: a request would wait until its timeout."""

    async def act(pool: Pool) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(3):
            await asyncio.gather(*(ask(pool, number) for number in range(8)))
            await loop.run_in_executor(None, proxy.cut)
            began = loop.time()
            await asyncio.gather(*(ask(pool, number) for number in range(8)))
            assert loop.time() - began < 10

    run(proxy, act)


def test_answers_are_not_mixed_up_while_connections_are_reset(proxy: Proxy) -> None:
    answered = 0

    async def act(pool: Pool) -> None:
        nonlocal answered
        loop = asyncio.get_running_loop()
        until = loop.time() + 3

        async def client(first: int) -> None:
            nonlocal answered
            number = first
            while loop.time() < until:
                number += 1
                try:
                    await ask(pool, number)
                    answered += 1
                except (psycopg2.Error, DatabaseUnavailable):
                    pass

        clients = [asyncio.create_task(client(first * 1_000_000)) for first in range(16)]
        while loop.time() < until:
            await asyncio.sleep(0.1)
            await loop.run_in_executor(None, proxy.cut)
        await asyncio.wait_for(asyncio.gather(*clients), within(30))
        await asyncio.gather(*(ask(pool, number) for number in range(8)))

    run(proxy, act)
    assert answered > 100


def test_statement_that_is_never_answered_ends_with_the_timeout(proxy: Proxy) -> None:
    async def act(pool: Pool) -> None:
        loop = asyncio.get_running_loop()
        await ask(pool, 1)
        proxy.set(Mode.STALL)
        try:
            began = loop.time()
            with pytest.raises((psycopg2.OperationalError, DatabaseUnavailable, TimeoutError)):
                await ask(pool, 2)
            assert loop.time() - began < 15
        finally:
            proxy.set(Mode.PASS)
        await ask(pool, 3)

    run(proxy, act, 1, Timeouts(2, 1))


def end_backends(proxy: Proxy) -> None:
    """End all backends as an administrator does: with an error to the client."""
    url = f"postgresql://postgres@127.0.0.1:{proxy.port}/cacaotrace"
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where pid <> pg_backend_pid() and application_name = 'cacaotrace'"
        )


@pytest.mark.parametrize("end", [Proxy.cut, end_backends])
def test_snapshot_is_begun_anew_where_it_was_cut(
    proxy: Proxy, end: Callable[[Proxy], None]
) -> None:
    async def act(pool: Pool) -> None:
        loop = asyncio.get_running_loop()
        tries = []

        async def in_one_snapshot(fetch: Fetch) -> bytes:
            tries.append(await fetch(ECHO, [1]))
            if len(tries) < lost:
                await loop.run_in_executor(None, end, proxy)
            return await fetch(ECHO, [2])

        lost = 2
        answer: Any = await pool.fetch_together(in_one_snapshot)
        assert (answer, len(tries)) == (2, 2)
        tries, lost = [], 9
        with pytest.raises(DatabaseUnavailable):
            await pool.fetch_together(in_one_snapshot)
        assert len(tries) == 2
        await asyncio.gather(*(ask(pool, number) for number in range(8)))

    run(proxy, act)


def test_error_within_a_snapshot_is_not_tried_again(proxy: Proxy) -> None:
    async def act(pool: Pool) -> None:
        tries = []

        async def in_one_snapshot(fetch: Fetch) -> bytes:
            tries.append(await fetch(ECHO, [1]))
            return await fetch(Statement("SELECT to_json(1 / $1::int)", 1), [0])

        with pytest.raises(psycopg2.errors.DivisionByZero):
            await pool.fetch_together(in_one_snapshot)
        assert len(tries) == 1
        await ask(pool, 3)

    run(proxy, act, 1)


def test_clock_that_jumps_changes_nothing(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(pool: Pool) -> None:
        under_way = asyncio.ensure_future(pool.fetch(SLEEP, [5, 1.5]))
        await asyncio.sleep(0.2)
        now = time.time
        for jump in (86_400, -86_400):
            monkeypatch.setattr(time, "time", lambda jump=jump: now() + jump)
            await asyncio.sleep(0.6)
            await ask(pool, jump)
        answer: Any = await under_way
        assert answer == 5

    run(proxy, act, 2, Timeouts(10, 5))


def test_blocking_statement_that_is_never_answered_ends_too(proxy: Proxy) -> None:
    url = f"postgresql://postgres@127.0.0.1:{proxy.port}/cacaotrace"
    database = Database(url, 2, timeouts=Timeouts(2, 1))
    try:
        with database.session() as session:
            assert session.execute(text("SELECT 1")).scalar_one() == 1
            proxy.set(Mode.STALL)
            began = time.monotonic()
            with pytest.raises(DBAPIError):
                session.execute(text("SELECT 2"))
            assert time.monotonic() - began < within(15)
            proxy.set(Mode.PASS)
        with database.session() as session:
            assert session.execute(text("SELECT 3")).scalar_one() == 3
    finally:
        proxy.set(Mode.PASS)
        database.close()


def test_no_clock_of_the_wall_decides_how_long_is_waited() -> None:
    """Only the expiry of tokens and the time of log lines use the wall clock."""
    root = Path(__file__).parents[3]
    sources = [*root.glob("*.py"), *(root / "graph").rglob("*.py"), *(root / "models").glob("*.py")]
    using = {path.relative_to(root).as_posix() for path in sources if uses_the_wall_clock(path)}
    assert using <= {"graph/auth/tokens.py", "graph/auth/oidc.py", "graph/auth/issuer.py"}


def uses_the_wall_clock(source: Path) -> bool:
    written = source.read_text("utf-8")
    return "time.time(" in written or "from time import time\n" in written
