"""The examples of README and docs give the answers that stand below them."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from httpx2 import Client
from starlette.testclient import TestClient

from ledger.integrator import integrate
from ledger.log_config import LogConfig
from ledger.signed_note import make_key
from models.database.engines import Database
from serving.app import create_app
from serving.settings import Settings
from tests.bounds import within
from tests.conftest import ROOT, Cluster, client_of, free_port, opened, process_environment
from tests.examples import answered, blocks_of, commands_of, pages_with

ADDRESS = "http://127.0.0.1:8000"
KEY = ".data/ledger.key"
WRITING = [
    page
    for page in pages_with("graphql")
    if any(block.text.startswith("mutation") and not block.reason for block in blocks_of(page))
]
READING = [page for page in pages_with("graphql") if page not in WRITING]
IN_TERMINAL = pages_with("console")


@dataclass(frozen=True)
class Desk:
    """A folder like a clone, a database with sample data, and a server of it."""

    folder: Path
    url: str
    address: str

    def run(self, command: str) -> str:
        """Run commands in one shell and return their output and errors."""
        done = subprocess.run(
            ["bash", "-c", command.replace(ADDRESS, self.address)],
            cwd=self.folder,
            env=process_environment(DATABASE_URL=self.url, LEDGER_KEY=KEY, LOG_LEVEL="error"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=within(60),
            check=False,
        )
        return done.stdout.replace(self.address, ADDRESS)


@contextmanager
def served_at(database: Database, port: int) -> Iterator[None]:
    """Provide the application on a port of this process."""
    app = create_app(Settings(dev_role="admin", port=port), database)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def desk(
    cluster: Cluster, sample_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    for name in ("server.py", "ledger", "schema.sql"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".venv").symlink_to(sys.prefix)
    make_key(folder / KEY)
    port = free_port()
    url = cluster.create(sample_template)
    with opened(url) as database:
        integrate(database, LogConfig("cacaotrace", folder / KEY, None))
        with served_at(database, port):
            yield Desk(folder, url, f"http://127.0.0.1:{port}")
    cluster.drop(url)


def assert_answers(client: TestClient | Client, page: str) -> None:
    for query, answer in answered(page):
        response = client.post("/graphql", json={"query": query.text})
        assert json.dumps(response.json()) == json.dumps(json.loads(answer.text)), (
            f"{page}:{answer.line}"
        )


@pytest.mark.parametrize("page", [page for page in READING if page not in IN_TERMINAL])
def test_queries_of_a_page_give_the_answers_below_them(client: TestClient, page: str) -> None:
    assert_answers(client, page)


@pytest.mark.parametrize("page", WRITING)
def test_mutations_of_a_page_give_the_answers_below_them(sample_copy: Database, page: str) -> None:
    with client_of(sample_copy) as client:
        assert_answers(client, page)


@pytest.mark.parametrize("page", IN_TERMINAL)
def test_commands_of_a_page_print_the_output_below_them(desk: Desk, page: str) -> None:
    commands = list(commands_of(page))
    mark = "--- next ---"
    script = "".join(f"{command.text}echo '{mark}'\n" for command in commands)
    printed = desk.run(script).split(f"{mark}\n")
    assert printed[-1] == ""
    for command, output in zip(commands, printed[:-1], strict=True):
        assert output.rstrip("\n") == command.output.rstrip("\n"), f"{page}:{command.line}"
    with Client(base_url=desk.address) as client:
        assert_answers(client, page)
