"""SIGTERM with requests in flight: they are answered, new connections are refused, the exit code is 0."""

import signal
import threading
import time
from contextlib import closing
from http.client import HTTPException

import psycopg2

from models.embedded import server as embedded
from tests.bounds import within
from tests.slow.faults.environment import POOL_SIZE, Environment, embedded_environment
from tests.slow.faults.traffic import Client, Count
from tests.slow.faults.trial import Result

MUTATION = """mutation ($input: CreateManufacturerInput!) {
  createManufacturer(input: $input) { manufacturer { name } userErrors { code } } }"""
QUERY = "{ manufacturers(first: 1) { totalCount } }"
# All of them get a connection of the pool, also where one worker has them all.
EACH, HELD_SECONDS, LIMIT_SECONDS = POOL_SIZE, 2.0, 10.0


def run(rounds: int) -> Result:
    """End so many servers under way."""
    result = Result("SIGTERM with requests in flight")
    for number in range(rounds):
        with embedded_environment() as environment:
            seconds, acknowledged = end(environment, result, number)
            result.recoveries.append(seconds)
            result.injected += 1
            # It was PostgreSQL's end too: what was acknowledged must be there at the next start.
            with embedded.start(environment.folder) as server:
                environment.dsn = server.url
                query = "SELECT name FROM manufacturers WHERE name LIKE 'fault end %'"
                lost = sorted(set(acknowledged) - {name for (name,) in environment.ask(query)})
            result.acknowledged_rows += len(acknowledged)
            result.lost_rows += len(lost)
            result.troubles += [f"lost row: {name}" for name in lost]
    return result


def end(environment: Environment, result: Result, number: int) -> tuple[float, list[str]]:
    """Seconds until the process had ended, and the writes that were acknowledged."""
    acknowledged: list[str] = []
    lock = threading.Lock()

    def send(text: str, variables: dict[str, object], name: str = "") -> None:
        outcome = Count(sent=1)
        try:
            with closing(Client(environment.port)) as client:
                status, _, answer = client.ask(text, variables)
            good = status == 200 and "errors" not in answer
            outcome.answered, outcome.wrong = int(good), int(not good)
        except (OSError, HTTPException) as error:
            outcome.lost = 1
            answer = {"lost": repr(error)}
        with lock:
            for key, value in vars(outcome).items():
                setattr(result.count, key, getattr(result.count, key) + value)
            if outcome.answered and name:
                acknowledged.append(name)
            if not outcome.answered:
                result.troubles.append(f"in flight: {answer}")

    # No request reads or writes manufacturers until the lock is released.
    holder = psycopg2.connect(environment.dsn)
    holder.cursor().execute("LOCK TABLE manufacturers IN ACCESS EXCLUSIVE MODE")
    names = [f"fault end {number} {n}" for n in range(EACH)]
    threads = [threading.Thread(target=send, args=(QUERY, {})) for _ in range(EACH)]
    threads += [threading.Thread(target=send, args=(MUTATION, input_of(n), n)) for n in names]
    for thread in threads:
        thread.start()
    wait_for_waiting(environment, len(threads))
    began = time.monotonic()
    environment.serving.process.send_signal(signal.SIGTERM)
    time.sleep(HELD_SECONDS)
    deadline = time.monotonic() + within(HELD_SECONDS)
    while accepts(environment.port):
        if time.monotonic() > deadline:
            result.troubles.append("new connections were accepted long after SIGTERM")
            break
        time.sleep(0.1)
    holder.rollback()
    holder.close()
    for thread in threads:
        thread.join(within(30))
    code = environment.serving.process.wait(within(30))
    seconds = time.monotonic() - began
    if code or seconds > within(LIMIT_SECONDS):
        result.troubles.append(f"ended with {code} after {seconds:.1f} s")
    return seconds, acknowledged


def input_of(name: str) -> dict[str, object]:
    return {"input": {"name": name, "location": "Ghent"}}


def wait_for_waiting(environment: Environment, count: int) -> None:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    deadline = time.monotonic() + within(30)
    while environment.ask(query) != [(count,)]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def accepts(port: int) -> bool:
    """Whether the server still takes connections."""
    try:
        with closing(Client(port)) as client:
            client.ask("{ __typename }", {})
    except ConnectionRefusedError:
        return False
    except (OSError, HTTPException):
        return True
    return True
