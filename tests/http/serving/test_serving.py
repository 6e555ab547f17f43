"""The server process: how it starts, ends, and recovers after SIGKILL."""

import http.client
import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from models import sample_data
from tests.bounds import within
from tests.conftest import (
    Cluster,
    Serving,
    free_port,
    run,
    start_serving,
    temporary_folder,
)
from tests.requests import without_cost

COUNT = "{ products(first: 0) { totalCount } }"


@pytest.fixture(scope="module")
def data_dir() -> Iterator[str]:
    """Provide a DATA_DIR that the tests of this module serve one after another."""
    with temporary_folder() as folder:
        yield str(folder)


def ask(url: str, query: str) -> object:
    body = json.dumps({"query": query}).encode()
    request = Request(f"{url}/graphql", body, {"Content-Type": "application/json"})
    with urlopen(request, timeout=within(30)) as response:
        return without_cost(json.load(response))


def is_running(data_dir: str) -> bool:
    """Whether any PostgreSQL process has this data folder as its working folder."""
    folders = set()
    for process in Path("/proc").glob("[0-9]*/cwd"):
        try:
            folders.add(str(process.readlink()))
        except OSError:
            continue
    return f"{data_dir}/postgres" in folders


def announced(serving: Serving) -> str:
    return (
        f"GraphiQL: {serving.url}/graphql   (Ctrl-C stops)\n"
        "A request without a token acts as operator (DEV_ROLE).\n"
    )


def test_serves_the_sample_on_first_start_and_ends_clean_on_sigterm(data_dir: str) -> None:
    serving = start_serving(DATA_DIR=data_dir)
    assert is_running(data_dir)
    count = {"data": {"products": {"totalCount": sample_data.DEFAULT.products}}}
    assert ask(serving.url, COUNT) == count
    code, output, errors = serving.stop()

    assert code == 0
    assert output == announced(serving)
    assert [line.split(" ", 1)[1] for line in errors.splitlines()] == [
        "INFO cacaotrace applied schema.sql",
        "INFO cacaotrace filling the new database with sample data",
        f"INFO cacaotrace made the ledger's key, {data_dir}/ledger.key",
    ]
    assert not is_running(data_dir)


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("level", ["info", "debug"])
def test_process_that_logs_json_prints_nothing_else(
    data_dir: str, workers: str, level: str
) -> None:
    serving = start_serving(DATA_DIR=data_dir, LOG_FORMAT="json", LOG_LEVEL=level, WORKERS=workers)
    ask(serving.url, COUNT)
    code, output, errors = serving.stop()

    assert (code, output) == (0, "")
    messages = [json.loads(line)["message"] for line in errors.splitlines()]
    told = [
        f"GraphiQL: {serving.url}/graphql   (Ctrl-C stops)",
        "A request without a token acts as operator (DEV_ROLE).",
    ]
    assert [message for message in messages if message in told] == told
    if level == "info":
        assert messages == told


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        ({"PORT": "http"}, 2, "PORT must be a whole number from 0 to 65535, not 'http'"),
        ({"DATABASE_URL": "postgresql://db/x?foo=1"}, 2, "DATABASE_URL has an option"),
        ({"DATABASE_URL": "postgresql://me:secret@127.0.0.1:1/x"}, 1, "cannot use the database"),
    ],
)
def test_refusal_to_start_is_a_line_of_json_too(
    given: dict[str, str], code: int, message: str
) -> None:
    result = run("serve", LOG_FORMAT="json", **given)

    assert (result.returncode, result.stdout) == (code, "")
    (line,) = [json.loads(line) for line in result.stderr.splitlines()]
    assert (line["level"], line["logger"]) == ("ERROR", "cacaotrace")
    assert line["message"].startswith(message)
    assert "secret" not in result.stderr


def test_ctrl_c_ends_clean(data_dir: str) -> None:
    serving = start_serving(DATA_DIR=data_dir)
    code, _, errors = serving.stop(signal.SIGINT)

    assert (code, errors) == (0, "")
    assert not is_running(data_dir)


@pytest.fixture
def hangup(request: pytest.FixtureRequest) -> Iterator[None]:
    """Set whether processes started within the test ignore SIGHUP."""
    before = signal.signal(signal.SIGHUP, request.param)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("hangup", [signal.SIG_IGN], indirect=True)
@pytest.mark.usefixtures("hangup")
def test_ignored_hangup_has_no_effect(data_dir: str) -> None:
    serving = start_serving(DATA_DIR=data_dir)
    serving.process.send_signal(signal.SIGHUP)

    assert "data" in str(ask(serving.url, COUNT))
    assert serving.stop()[0] == 0


@pytest.mark.parametrize("hangup", [signal.SIG_DFL], indirect=True)
@pytest.mark.usefixtures("hangup")
def test_hangup_ends_clean(data_dir: str) -> None:
    serving = start_serving(DATA_DIR=data_dir)
    code, _, errors = serving.stop(signal.SIGHUP)

    assert (code, errors) == (0, "")
    assert not is_running(data_dir)


def test_sigkill_loses_nothing_and_the_next_start_recovers(data_dir: str) -> None:
    serving = start_serving(DATA_DIR=data_dir)
    ask(
        serving.url,
        'mutation { createManufacturer(input: {name: "Survivor", location: "Ghent"})'
        " { userErrors { message } } }",
    )
    assert serving.stop(signal.SIGKILL)[0] == -signal.SIGKILL

    serving = start_serving(DATA_DIR=data_dir)
    query = '{ manufacturers(filter: {name: {eq: "Survivor"}}) { totalCount } }'
    assert ask(serving.url, query) == {"data": {"manufacturers": {"totalCount": 1}}}
    assert serving.stop()[0] == 0
    assert not is_running(data_dir)


def test_second_server_on_the_same_data_is_refused(data_dir: str) -> None:
    serving = start_serving(DATA_DIR=data_dir)
    second = run("serve", DATA_DIR=data_dir, PORT=str(free_port()))
    assert ask(serving.url, "{ __typename }") == {"data": {"__typename": "Query"}}
    serving.stop()

    folder = f"{data_dir}/postgres"
    message = f"error: the database in {folder} is already in use by pid {serving.process.pid}\n"
    assert (second.returncode, second.stdout, second.stderr) == (1, "", message)


def test_command_beside_a_server_uses_its_database(data_dir: str) -> None:
    serving = start_serving(DATA_DIR=data_dir)
    result = run("sample", DATA_DIR=data_dir)
    assert ask(serving.url, "{ __typename }") == {"data": {"__typename": "Query"}}
    serving.stop()

    assert result.returncode == 1
    assert "the database is not empty" in result.stdout + result.stderr


def test_taken_port_is_one_line_and_stops_the_database(data_dir: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = run("serve", DATA_DIR=data_dir, PORT=port)

    message = f"error: cannot listen on 127.0.0.1 port {port}: Address already in use\n"
    assert (result.returncode, result.stdout, result.stderr) == (1, "", message)
    assert not is_running(data_dir)


def test_unreachable_database_is_one_line_without_the_password() -> None:
    port = free_port()
    result = run("serve", DATABASE_URL=f"postgres://me:secret@127.0.0.1:{port}/x")

    assert (result.returncode, result.stdout) == (1, "")
    start = f"error: cannot use the database postgresql://me:***@127.0.0.1:{port}/x: "
    assert result.stderr.startswith(start)
    assert result.stderr.count("\n") == 1
    assert "secret" not in result.stderr


def test_two_workers_serve_and_end_with_their_parent(data_dir: str) -> None:
    serving = start_serving(DATA_DIR=data_dir, WORKERS="2")
    create = (
        'mutation { createManufacturer(input: {name: "Worker", location: "Ghent"})'
        " { userErrors { message } } }"
    )
    assert ask(serving.url, create) == {"data": {"createManufacturer": {"userErrors": []}}}
    code, output, errors = serving.stop()

    assert (code, errors) == (0, "")
    assert output == announced(serving)
    assert not is_running(data_dir)


def test_workers_end_when_their_parent_is_killed(data_dir: str) -> None:
    serving = start_serving(DATA_DIR=data_dir, WORKERS="2")
    serving.process.kill()
    serving.process.wait()
    # The pipes close once the last worker has ended.
    serving.process.communicate(timeout=within(20))

    with pytest.raises(OSError, match="refused"):
        urlopen(f"{serving.url}/api/health", timeout=within(5))


@pytest.fixture
def served(cluster: Cluster, schema_template: str) -> Iterator[Serving]:
    """Provide a server on a DATABASE_URL with the schema and no rows."""
    url = cluster.create(schema_template)
    serving = start_serving(DATABASE_URL=url)
    yield serving
    if serving.process.poll() is None:
        serving.stop()
    cluster.drop(url)


def test_given_database_gets_no_sample_and_no_writes_of_the_public(served: Serving) -> None:
    assert ask(served.url, COUNT) == {"data": {"products": {"totalCount": 0}}}
    create = (
        'mutation { createManufacturer(input: {name: "X", location: "Y"})'
        " { userErrors { message } } }"
    )
    answer = ask(served.url, create)
    code, _, errors = served.stop()

    assert isinstance(answer, dict)
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert code == 0
    open_schema, unsigned = errors.splitlines()
    assert "WARNING cacaotrace PROFILE is development" in open_schema
    assert "WARNING cacaotrace LEDGER_KEY is not set" in unsigned


def test_no_server_header(served: Serving) -> None:
    with urlopen(f"{served.url}/api/health", timeout=within(5)) as response:
        assert "server" not in {name.lower() for name in response.headers}


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=within(5)).close()
    except OSError:
        return False
    return True


def test_request_in_flight_is_answered_before_the_end(served: Serving) -> None:
    """The body arrives after SIGTERM, and the request is answered."""
    port = int(served.url.rpartition(":")[2])
    body = json.dumps({"query": COUNT}).encode()
    head = (
        "POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Expect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=within(20)) as connection:
        connection.sendall(head.encode())
        # The application has asked for the body: the request is in flight.
        assert connection.recv(65_536).startswith(b"HTTP/1.1 100")
        ending = threading.Thread(target=served.stop)
        ending.start()
        while listens(port):
            time.sleep(0.01)
        connection.sendall(body)
        response = http.client.HTTPResponse(connection)
        response.begin()
        content = without_cost(json.loads(response.read()))
    ending.join()

    assert response.status == 200
    assert content == {"data": {"products": {"totalCount": 0}}}
    assert served.process.returncode == 0
