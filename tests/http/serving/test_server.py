"""The command line, and the routes that the server adds to those of the API."""

import socket
import time
from collections.abc import Iterator

import pytest
from starlette.requests import Request as HTTPRequest
from starlette.responses import Response
from starlette.testclient import TestClient

from models.database.engines import Database
from serving.app import create_app
from serving.settings import Settings
from tests.bounds import within
from tests.conftest import (
    ROOT,
    client_of,
    free_port,
    local,
    run,
)

# ---------------------------------------------------------------- command line


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "DATABASE_URL"),
        (("--help",), "sample"),
        (("serve", "--help"), "DATABASE_URL"),
        (("import", "--help"), "--dry-run"),
        (("sample", "--help"), "--products"),
        (("schema", "--help"), "GraphQL schema"),
    ],
)
def test_help_is_printed(arguments: tuple[str, ...], expected: str) -> None:
    result = run(*arguments, PORT="not read")

    assert (result.returncode, result.stderr) == (0, "")
    assert expected in result.stdout


def test_unknown_command_ends_with_2() -> None:
    result = run("fly")

    assert result.returncode == 2
    assert "invalid choice: 'fly'" in result.stderr


def test_schema_is_the_committed_one() -> None:
    result = run("schema")

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == (ROOT / "graph" / "schema.graphql").read_text(encoding="utf-8")


# ---------------------------------------------------------------- routes


def test_root_redirects_to_graphiql(client: TestClient) -> None:
    response = client.get("/", follow_redirects=False)

    assert (response.status_code, response.headers["location"]) == (307, "/graphql")


def test_health_is_ok(client: TestClient) -> None:
    response = client.get("/api/health")

    assert (response.status_code, response.json()) == (200, {"status": "OK"})


def test_ready_asks_the_database(client: TestClient) -> None:
    response = client.get("/api/health/ready")

    assert (response.status_code, response.json()) == (200, {"status": "ok", "database": "ok"})


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Provide a port that accepts connections and sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        yield port


def test_health_stays_ok_and_ready_says_503_while_the_database_hangs(silent_port: int) -> None:
    database = Database(f"postgresql://u@127.0.0.1:{silent_port}/x")
    began = time.monotonic()
    with client_of(database) as client:
        assert client.get("/api/health").status_code == 200
        response = client.get("/api/health/ready")
    database.close()

    assert time.monotonic() - began < within(10)
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert response.json() == {"status": "unavailable", "database": "unreachable"}


def test_ready_says_503_where_nothing_listens() -> None:
    database = Database(f"postgresql://u@127.0.0.1:{free_port()}/x")
    with client_of(database) as client:
        response = client.get("/api/health/ready")

    assert response.status_code == 503


def test_ready_is_back_once_the_database_dropped_its_connections(
    fresh: Database,
) -> None:
    with client_of(fresh) as client:
        assert client.get("/api/health/ready").status_code == 200
        with fresh.engine().connect() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert client.get("/api/health/ready").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/nowhere", 404, "Not Found"),
        ("GET", "/api/nowhere", 404, "Not Found"),
        ("POST", "/api/health", 405, "Method Not Allowed"),
        ("DELETE", "/api/products", 405, "Method Not Allowed"),
    ],
)
def test_unknown_route_is_json(
    client: TestClient, method: str, path: str, status: int, message: str
) -> None:
    response = client.request(method, path)

    assert (response.status_code, response.json()) == (status, {"error": message})
    assert response.headers["content-type"] == "application/json"


def test_unexpected_exception_is_logged_once_and_masked(
    sample: Database, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(Settings(), sample)

    def fail(_request: HTTPRequest) -> Response:
        raise RuntimeError("internal detail")

    app.add_route("/fail", fail)
    with local(app) as client:
        response = client.get("/fail")

    assert response.status_code == 500
    correlation = response.json()["correlationId"]
    message = f"Internal error, reference {correlation}."
    assert response.json() == {"error": message, "correlationId": correlation}
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert correlation in record.getMessage()
    assert record.exc_info is not None
