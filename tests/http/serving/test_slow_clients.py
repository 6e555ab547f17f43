"""The server disconnects clients that stall, send without end, or do not read."""

import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from uvicorn import Config, Server

from models.database.engines import Database
from serving import process as serving
from serving.app import create_app
from serving.settings import Settings
from tests.bounds import within
from tests.conftest import free_port
from tests.slow.faults.traffic import Client

HEAD = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


# How long a head or a body may take; a client of a busy machine that is not slow takes less.
SECONDS = 2


@pytest.fixture
def port(sample: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Provide the port of a server with short timeouts."""
    monkeypatch.setattr(serving, "HEADER_SECONDS", SECONDS)
    monkeypatch.setattr(serving, "BODY_SECONDS", SECONDS)
    port = free_port()
    config = Config(
        create_app(Settings(dev_role="admin"), sample),
        host="127.0.0.1",
        port=port,
        log_config=None,
        http=serving.Protocol,
    )
    server = Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield port
    server.should_exit = True
    thread.join()


def is_cut_off(connection: socket.socket) -> bool:
    """Whether the server closes the connection within a while."""
    connection.settimeout(within(20))
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def goes_on_until_it_is_cut_off(connection: socket.socket, piece: bytes, pause: float) -> bool:
    """Send pieces until the connection ends; False after a gigabyte or twenty seconds."""
    began = time.monotonic()
    try:
        for _ in range(100_000):
            connection.sendall(piece)
            time.sleep(pause)
            if time.monotonic() - began > within(20):
                return False
    except ConnectionError:
        return True
    return False


@pytest.mark.parametrize(
    "begun", [b"", b"POST /graphql HT", HEAD, HEAD + b"Content-Length: 1000\r\n\r\n{"]
)
def test_request_that_does_not_arrive_is_cut_off(port: int, begun: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(begun)
        assert is_cut_off(connection)


def test_dripping_head_is_cut_off_as_well(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        assert goes_on_until_it_is_cut_off(connection, b"X", 0.1)


def test_second_request_that_does_not_arrive_is_cut_off(port: int) -> None:
    body = json.dumps({"query": "{ __typename }"}).encode()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.sendall(HEAD)
        assert is_cut_off(connection)


def test_body_that_is_too_long_is_answered_and_not_read_to_its_end(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(within(20))
        connection.sendall(HEAD + b"Content-Length: 1000000000\r\n\r\n")
        assert goes_on_until_it_is_cut_off(connection, b" " * 100_000, 0)


def test_slow_client_does_not_delay_others(port: int) -> None:
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    for connection in slow:
        connection.sendall(HEAD)
    client = Client(port)
    for _ in range(20):
        assert client.ask("{ __typename }", {})[0] == 200
    client.close()
    for connection in slow:
        connection.close()


def test_client_that_keeps_its_connection_is_not_cut_off(port: int) -> None:
    client = Client(port)
    for _ in range(4):
        assert client.ask("{ __typename }", {})[0] == 200
        time.sleep(SECONDS * 0.8)
    client.close()
