"""The environment of the faults: a server of two workers, and its PostgreSQL.

`embedded`: the server's own PostgreSQL. `proxied`: one that this process runs, behind a proxy.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2

from models import sample_data
from models.database.engines import Database
from models.embedded import server as embedded
from tests.conftest import (
    ROOT,
    Serving,
    free_port,
    process_environment,
    temporary_folder,
    wait_until_up,
)
from tests.slow.faults.proxy import Proxy
from tests.slow.faults.traffic import World, names_of

WORKERS, POOL_SIZE = 2, 4
DISK = "300m"
OURS = "datname = current_database() AND application_name = 'cacaotrace'"


@dataclass
class Environment:
    """A server, its PostgreSQL, and where that keeps its files."""

    serving: Serving
    dsn: str
    folder: Path
    journal: Path
    """What the server wrote."""
    proxy: Proxy | None = None
    disk: Path | None = None
    """The small file system that the data folder is on, where there is one."""
    port: int = field(init=False)

    def __post_init__(self) -> None:
        self.port = int(self.serving.url.rpartition(":")[2])

    def ask(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """Rows, of a connection of the test's own."""
        connection = psycopg2.connect(self.dsn, connect_timeout=5)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def world(self) -> World:
        """Return what readers may ask for."""
        products = self.ask("SELECT product_id, batch_number FROM products LIMIT 200")
        batches = self.ask("SELECT cacao_batch_id, supplier_id FROM cacao_batches LIMIT 200")
        return World(dict(products), dict(batches))

    def postmaster(self) -> int:
        """Return the pid of PostgreSQL itself."""
        return int((self.folder / "postmaster.pid").read_text().splitlines()[0])

    def backends(self) -> list[int]:
        """Return the pids of the server's sessions, the busy ones first."""
        query = f"SELECT pid FROM pg_stat_activity WHERE {OURS} ORDER BY state = 'idle'"
        return [pid for (pid,) in self.ask(query)]

    def family(self) -> list[int]:
        """PostgreSQL and all its children."""
        found = []
        for cwd in Path("/proc").glob("[0-9]*/cwd"):
            with suppress(OSError):
                if cwd.readlink() == self.folder:
                    found.append(int(cwd.parent.name))
        return found

    def workers(self) -> list[int]:
        """Return the pids of the processes that serve."""
        return workers_of(self.serving.process.pid)

    def leaked(self) -> list[tuple[Any, ...]]:
        """Sessions that are still busy, or more than the pools hold, once nobody asks any more."""
        query = f"SELECT pid, state, query FROM pg_stat_activity WHERE {OURS}"
        deadline = time.monotonic() + 20
        while True:
            sessions = self.ask(query)
            busy = [session for session in sessions if session[1] != "idle"]
            # Reads on the event loop, writes, and the probes' own.
            crowded = sessions if len(sessions) > WORKERS * 3 * POOL_SIZE else []
            if not (busy or crowded) or time.monotonic() > deadline:
                return busy or crowded
            time.sleep(0.2)

    def surprises(self) -> list[str]:
        """Return what the server logged as a fault of its own."""
        _, *faults = self.journal.read_text("utf-8", "replace").split("internal error ")
        return [fault[:8000] for fault in faults]

    def missing(self, acknowledged: list[str], tried: list[str]) -> tuple[list[str], list[str]]:
        """Names that were acknowledged and are not there; pairs of which one is there, or twice."""
        query = "SELECT name, count(*) FROM manufacturers WHERE name LIKE 'fault %' GROUP BY name"
        found = dict(self.ask(query))
        lost = [name for name in names_of(acknowledged) if name not in found]
        uneven = [name for name in tried if found.get(f"{name} a", 0) != found.get(f"{name} b", 0)]
        return lost, uneven + [name for name, count in found.items() if count > 1]


def serve(folder: Path, **values: str) -> Serving:
    """Start the server with two workers; it writes to a file, which is never full."""
    port = free_port()
    with (folder / "server.log").open("wb") as journal:
        process = subprocess.Popen(
            [sys.executable, "server.py", "serve"],
            cwd=ROOT,
            env=process_environment(**{"WORKERS": str(WORKERS), **values, "PORT": str(port)}),
            stdin=subprocess.DEVNULL,
            stdout=journal,
            stderr=journal,
            text=True,
        )
    serving = Serving(f"http://127.0.0.1:{port}", process)
    wait_until_up(serving)
    return serving


def workers_of(parent: int) -> list[int]:
    """Return the children of the supervisor that serve; not multiprocessing's own helper."""
    found = []
    for entry in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        with suppress(OSError):
            command = Path(f"/proc/{entry}/cmdline").read_bytes()
            if b"spawn_main" in command:
                found.append(int(entry))
    return found


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """Provide a file system of its own of DISK bytes, where this user may mount one; else None."""
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=755", "cacaotrace", str(folder)],
            capture_output=True,
            check=False,
        ).returncode
    )
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def embedded_environment() -> Iterator[Environment]:
    """Provide a server with the embedded PostgreSQL, on a small disk where that can be made."""
    with temporary_folder() as outer:
        inner = outer / "disk"
        inner.mkdir()
        outer.chmod(0o755)
        with small_disk(inner) as disk:
            # One client, which fills the pool.
            size = str(POOL_SIZE)
            serving = serve(outer, DATA_DIR=str(inner), POOL_SIZE=size, CLIENT_CONNECTIONS=size)
            data = (inner / "postgres").resolve()
            record = json.loads((inner / "postgres.lock").read_text())
            environment = Environment(serving, record["url"], data, outer / "server.log", disk=disk)
            with ended(environment):
                yield environment


@contextmanager
def proxied_environment() -> Iterator[Environment]:
    """Provide a server whose PostgreSQL stands behind a proxy, in this process."""
    with temporary_folder() as folder, embedded.start(folder / "postgres") as server:
        database = Database(server.url)
        database.apply_schema()
        sample_data.fill(database)
        database.close()
        data = (folder / "postgres").resolve()
        proxy = Proxy(data / ".s.PGSQL.5432")
        try:
            url = f"postgresql://postgres@127.0.0.1:{proxy.port}/cacaotrace"
            serving = serve(folder, DATABASE_URL=url, DEV_ROLE="operator", POOL_SIZE=str(POOL_SIZE))
            environment = Environment(serving, server.url, data, folder / "server.log", proxy)
            with ended(environment):
                yield environment
        finally:
            proxy.close()


@contextmanager
def ended(environment: Environment) -> Iterator[None]:
    """Whatever a test leaves, no process of it stays."""
    try:
        yield
    finally:
        if environment.serving.process.poll() is None:
            environment.serving.process.send_signal(signal.SIGTERM)
            try:
                environment.serving.process.wait(60)
            except subprocess.TimeoutExpired:
                environment.serving.process.kill()
                environment.serving.process.wait()
