"""SIGKILL of the database, of workers and of the whole server while events are recorded and integrated.

Each acknowledged event is a leaf afterwards, once; the ledger has no gap and verifies.
"""

import json
import signal
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from http.client import HTTPException

from audit.database_verification import verify_database
from ledger.integrator import integrate
from ledger.log_config import LogConfig
from models.database.engines import Database
from models.embedded import server as embedded
from tests.slow.faults.environment import Environment, embedded_environment
from tests.slow.faults.injections import kill, kill_backend, kill_postgres, wait_for_end
from tests.slow.faults.traffic import Client, Count
from tests.slow.faults.trial import Result

RECORD = """mutation ($input: RecordTransactionInput!) { recordTransaction(input: $input) {
  transaction { transactionId } userErrors { code } } }"""
WRITERS = 6


class Recorders:
    """Writers that record events one by one and note which were acknowledged."""

    def __init__(self, environment: Environment) -> None:
        self._port = environment.port
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._record, args=(n,)) for n in range(WRITERS)]
        self.acknowledged: list[str] = []
        self.count = Count()

    def __enter__(self) -> "Recorders":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _record(self, writer: int) -> None:
        number = 0
        with closing(Client(self._port)) as client:
            while not self._stopping.is_set():
                number += 1
                name = f"fault {writer}.{number}"
                given = {"event": "shipped", "productId": "1", "eventId": name}
                self.count.sent += 1
                try:
                    status, _, answer = client.ask(RECORD, {"input": given})
                except (OSError, HTTPException, ValueError):
                    self.count.lost += 1
                    time.sleep(0.05)
                    continue
                payload = (answer.get("data") or {}).get("recordTransaction")
                if status == 200 and payload and payload["transaction"]:
                    self.acknowledged.append(name)
                    self.count.answered += 1
                else:
                    self.count.refused += 1


def kill_worker(environment: Environment, _seconds: float) -> None:
    pid = environment.workers()[0]
    kill(pid, signal.SIGKILL)
    wait_for_end(pid)


KILLS: tuple[Callable[[Environment, float], None], ...] = (kill_postgres, kill_worker, kill_backend)


def run(rounds: int, seconds: float) -> Result:
    """Kill in turn, the whole server last; then look at what is there."""
    result = Result("SIGKILL while events are recorded")
    with embedded_environment() as environment:
        with Recorders(environment) as recorders:
            for _ in range(rounds):
                for inject in KILLS:
                    before = len(recorders.acknowledged)
                    time.sleep(seconds)
                    with suppress(OSError, IndexError):
                        inject(environment, 0)
                        result.injected += 1
                    _await(recorders, before + 1)
            time.sleep(seconds)
            _kill_all(environment)
        result.injected += 1
        result.count = recorders.count
        with embedded.start(environment.folder) as server:
            _judge(environment, server.url, recorders.acknowledged, result)
    return result


def _await(recorders: Recorders, number: int) -> None:
    """Until so many are acknowledged."""
    deadline = time.monotonic() + 60
    while len(recorders.acknowledged) < number:
        assert time.monotonic() < deadline, "the server did not come back"
        time.sleep(0.05)


def _kill_all(environment: Environment) -> None:
    family = [environment.serving.process.pid, *environment.workers(), *environment.family()]
    for pid in family:
        kill(pid, signal.SIGKILL)
    environment.serving.process.wait(30)
    while environment.family():
        time.sleep(0.01)


def _judge(environment: Environment, url: str, acknowledged: list[str], result: Result) -> None:
    folder = environment.folder.parent
    log_config = LogConfig("cacaotrace", folder / "ledger.key", folder / "ledger.checkpoints")
    signer = log_config.signer()
    assert signer is not None
    with closing(Database(url)) as database:
        integrate(database, log_config)
        done = verify_database(database, [signer.key], log_config.published)
        with database.reader() as connection:
            leaves = connection.exec_driver_sql(
                "SELECT convert_from(leaf, 'UTF8') FROM ledger_entries ORDER BY sequence"
            )
            found = [json.loads(leaf)["eventId"] for (leaf,) in leaves]
    result.troubles += [finding.describe() for finding in done.findings]
    lost = sorted(set(acknowledged) - set(found))
    result.troubles += [f"lost event: {name}" for name in lost]
    result.acknowledged_rows, result.lost_rows = len(acknowledged), len(lost)
    if done.signed != done.events:
        result.troubles.append(f"{done.events} events, of which {done.signed} are signed")
