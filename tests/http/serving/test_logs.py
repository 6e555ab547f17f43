"""The log: one entry with an id for each internal error, without queries or stored values."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from sqlalchemy import text
from starlette.requests import Request as HTTPRequest
from starlette.routing import Route
from starlette.testclient import TestClient

from graph.endpoints.graphql import application
from models.database.engines import Database
from serving.logs import chain_of, formatter_of, is_ours
from serving.settings import LOG_FORMATS
from tests.conftest import ROOT, client_of, local
from tests.requests import Answer, encode, fetch, request, send

SECRET = "Geheimrezept 17"
READ = "query ($n: String) { products(filter: {name: {eq: $n}}) { totalCount nodes { name } } }"
WRITE = """mutation ($n: String!) {
  createSupplier(input: {name: $n, location: "B"}) { supplier { name } userErrors { code } } }"""

TRIGGER = """
  CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'broken by %', NEW.name USING
      ERRCODE = 'XX000', DETAIL = 'Key (name)=(' || NEW.name || ')', TABLE = 'suppliers';
  END $$;
  CREATE TRIGGER break BEFORE INSERT ON suppliers FOR EACH ROW EXECUTE FUNCTION break()"""


@pytest.fixture
def broken(sample_copy: Database) -> Iterator[TestClient]:
    """Provide a client of a server whose database lacks a table, and fails to write another."""
    with sample_copy.engine().begin() as connection:
        connection.execute(text("DROP TABLE products CASCADE"))
        connection.execute(text(TRIGGER))
    with client_of(sample_copy) as client:
        yield client


@pytest.fixture(params=LOG_FORMATS)
def layout(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def log(layout: str) -> Iterator[StringIO]:
    """Collect the log in one of the two formats."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter_of(layout))
    root = logging.getLogger()
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)


def logged(log: StringIO, layout: str) -> list[dict[str, Any]]:
    """Return the events in the log."""
    written = log.getvalue()
    if layout == "json":
        return [json.loads(line) for line in written.splitlines()]
    starts = [line for line in written.splitlines() if line[:2] == "20"]
    return [{"level": line.split()[1], "text": written} for line in starts]


def shows_fault(log: StringIO, layout: str, correlation: str, name: str) -> None:
    """Assert one log entry with this id, the type and place of the exception, and no value."""
    (event,) = logged(log, layout)
    shown = log.getvalue()
    assert event["level"] == "ERROR"
    assert correlation in shown
    assert name in shown
    assert "line " in shown
    assert SECRET not in shown
    assert "SELECT" not in shown
    assert "INSERT INTO" not in shown
    if layout == "json":
        assert event["correlationId"] == correlation
        assert event["message"].startswith(f"internal error {correlation}")


def correlation_of(answer: Answer) -> str:
    (error,) = answer.errors
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    found: str = error["extensions"]["correlationId"]
    assert found in error["message"]
    return found


def test_fault_of_a_read_is_logged_once_without_values(
    broken: TestClient, log: StringIO, layout: str
) -> None:
    answer = request(broken, READ, {"n": SECRET})
    shows_fault(log, layout, correlation_of(answer), "UndefinedTable")
    assert SECRET.encode() not in answer.body


def test_fault_of_a_write_is_logged_once_without_values(
    broken: TestClient, log: StringIO, layout: str
) -> None:
    answer = request(broken, WRITE, {"n": SECRET})
    shows_fault(log, layout, correlation_of(answer), "XX000 suppliers")
    assert SECRET.encode() not in answer.body


def test_fault_of_a_route_is_logged_once_without_values(
    sample: Database, log: StringIO, layout: str
) -> None:
    async def fail(_request: HTTPRequest) -> None:
        raise RuntimeError(SECRET)

    app = application(sample, web=ROOT / "web", routes=[Route("/fail", fail)])
    with local(app, raise_server_exceptions=False) as client:
        answer = fetch(client, f"/fail?{SECRET}")
    assert answer.status == 500
    shows_fault(log, layout, answer.json["correlationId"], "RuntimeError")
    assert SECRET.encode() not in answer.body


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"{", encode({"query": "{"}), encode({"query": "{ nope }"}),
     encode({"query": READ, "variables": {"n": 1}})],
)  # fmt: skip
def test_fault_of_a_client_is_not_logged(
    client: TestClient, log: StringIO, layout: str, body: bytes
) -> None:
    assert send(client, body).errors
    assert send(client, body, method="PUT").status == 405
    assert send(client, body, content_type="text/plain").status == 415
    assert fetch(client, "/nope").status == 404
    assert logged(log, layout) == []


@pytest.mark.parametrize(
    "message", ["Invalid HTTP request received.", "Unsupported upgrade request."]
)
def test_what_uvicorn_says_of_a_clients_bytes_is_left_out(message: str) -> None:
    assert not is_ours(logging.makeLogRecord({"msg": message}))
    assert is_ours(logging.makeLogRecord({"msg": "Exception in ASGI application\n"}))


def test_chain_names_what_led_to_an_exception() -> None:
    try:
        try:
            int(SECRET)
        except ValueError as error:
            raise LookupError(SECRET) from error
    except LookupError as error:
        (first, at), (second, _) = chain_of(error)
    assert (first, second) == ("builtins.LookupError", "builtins.ValueError")
    assert "test_chain_names_what_led_to_an_exception" in at[-1]
    assert SECRET not in at[-1].partition("raise")[0]


def test_debugging_shows_the_text_too(layout: str) -> None:
    record = logging.makeLogRecord({"msg": "x", "exc_info": (ValueError, ValueError(SECRET), None)})
    assert SECRET in formatter_of(layout, discreet=False).format(record)
    record.exc_text = None
    assert SECRET not in formatter_of(layout).format(record)


def test_line_of_json_is_one_line_in_utc() -> None:
    record = logging.makeLogRecord(
        {
            "name": "n",
            "levelname": "INFO",
            "msg": "a\n%s",
            "args": ("ü",),
            "created": 0.25,
            "msecs": 250,
        }
    )
    line = formatter_of("json").format(record)
    assert line == (
        '{"time": "1970-01-01T00:00:00.250Z", "level": "INFO", "logger": "n", "message": "a\\nü"}'
    )


def test_configured_process_writes_what_was_chosen() -> None:
    code = "import logging; from serving import logs; logs.configure('info', 'json'); logging.info('hello')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stderr)["message"] == "hello"


UNCAUGHT = f"""
import threading, warnings
from serving import logs
logs.configure("info", "json")
def fail(): raise ValueError("{SECRET}")
class Broken:
    def __del__(self): fail()
warnings.warn("beware\\nof this")
thread = threading.Thread(target=fail, name="worker"); thread.start(); thread.join()
broken = Broken(); del broken
fail()
"""


def test_uncaught_exception_is_a_line_of_json_without_values() -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNCAUGHT], cwd=ROOT, capture_output=True, text=True, check=False
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert (done.returncode, done.stdout) == (1, "")
    assert [(line["level"], line["message"].partition("\n")[0]) for line in lines[1:]] == [
        ("CRITICAL", "the thread worker ended by an exception"),
        ("CRITICAL", "a finalizer ended by an exception"),
        ("CRITICAL", "the process ended by an exception"),
    ]
    assert (lines[0]["level"], lines[0]["logger"]) == ("WARNING", "py.warnings")
    assert {line["exception"][0]["type"] for line in lines[1:]} == {"builtins.ValueError"}
    assert SECRET not in done.stderr
