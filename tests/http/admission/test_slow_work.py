"""Work that takes long runs beside the event loop, one job at a time, charged by its size."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import wraps
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from graph.admission.controller import Admission
from graph.admission.limits import Limits
from graph.context import Viewer
from graph.endpoints import impact_csv, trace_page
from graph.planner import reader as execute
from models.database.engines import Database
from models.database.timeouts import Timeouts
from serving.app import create_app
from serving.settings import Settings
from tests.conftest import local
from tests.requests import encode, fetch, global_id, send

LOTS, INPUTS, FIRST = 200, 5, 1_000
SMALL, LARGE = global_id("CacaoBatch", 4), global_id("CacaoBatch", FIRST + LOTS)
# Its time costs nothing here: only its size does.
COUNTED = Limits(cost=50_000, cost_burst=50_000, cost_per_second=1, cost_of_second=0)


@pytest.fixture
def chain(own_world: Database) -> Database:
    """Lots each of which was made of the five before it, and a hundred products of the first."""
    with own_world.engine().begin() as connection:
        for statement in (
            "SET LOCAL session_replication_role = replica",
            f"""INSERT INTO cacao_batches (cacao_batch_id, supplier_id, quantity, harvest_date, lot_number)
              SELECT {FIRST} + n, 1, 1000, date '2026-01-01', 'R' || n FROM generate_series(1, {LOTS}) n""",
            f"""INSERT INTO cacao_batch_input (output_batch_id, input_batch_id, quantity_kg)
              SELECT {FIRST} + o, {FIRST} + o - n, 1 FROM generate_series(1, {LOTS}) o,
                generate_series(1, {INPUTS}) n WHERE n < o""",
            f"""INSERT INTO products (product_id, name, manufacturer_id)
              SELECT {FIRST} + n, 'Bar ' || n, 1 FROM generate_series(1, 100) n""",
            f"""INSERT INTO product_cacao_batch (product_id, cacao_batch_id, quantity_kg)
              SELECT {FIRST} + n, {FIRST} + 1, 1 FROM generate_series(1, 100) n""",
        ):
            connection.execute(text(statement))
    return own_world


@contextmanager
def client_of(database: Database, limits: Limits) -> Iterator[TestClient]:
    app = create_app(Settings(dev_role="operator", limits=limits), database)
    with local(app, raise_server_exceptions=False) as client:
        yield client


class Watched:
    """Remembers in which threads something ran, and how many computing threads ran it at once.

    The event loop may run what is short by itself meanwhile.
    """

    def __init__(self, act: Callable[..., Any]) -> None:
        self.threads: list[str] = []
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()
        self.run = wraps(act)(self._watching(act))

    def _watching(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any) -> Any:
            thread = threading.current_thread().name
            counted = thread.startswith("computing")
            with self._lock:
                self._now += counted
                self.most = max(self.most, self._now)
                self.threads.append(thread)
            try:
                return act(*given)
            finally:
                with self._lock:
                    self._now -= counted

        return run


@pytest.mark.parametrize(
    ("module", "name", "path"),
    [
        (trace_page, "_draw", f"/trace/{LARGE}.svg"),
        (impact_csv, "_write_rows", f"/trace/{FIRST + 1}/impact.csv"),
        (execute, "_send", f"/trace/{FIRST + 1}/impact.csv"),
    ],
)
def test_slow_work_is_done_one_at_a_time_by_one_thread(
    chain: Database, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, path: str
) -> None:
    watched = Watched(getattr(module, name))
    monkeypatch.setattr(module, name, watched.run)
    statuses: list[int] = []
    # Longer than a busy machine needs.
    long_timeouts = Timeouts(120, 120)
    url = chain.engine().url.render_as_string(hide_password=False)
    with (
        closing(Database(url, timeouts=long_timeouts)) as database,
        client_of(database, Limits(request_seconds=120, pool_seconds=120)) as client,
    ):
        threads = [
            threading.Thread(target=lambda: statuses.append(fetch(client, path).status))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert statuses == [200] * 8
    assert len(watched.threads) >= 8
    assert watched.most == 1
    assert [one for one in watched.threads if one.startswith("AnyIO")] == []
    assert any(one.startswith("computing") for one in watched.threads)


def times_served(client: TestClient, path: str) -> int:
    """Return the number of times a path is served until the client's limit is reached."""
    for count in range(200):
        answer = fetch(client, path)
        if answer.status == 429:
            assert int(answer.headers["retry-after"]) > 1
            return count
        assert answer.status == 200
    raise AssertionError("nothing was refused")


def test_drawing_is_paid_for_by_its_size(chain: Database) -> None:
    with client_of(chain, COUNTED) as client:
        small = times_served(client, f"/trace/{SMALL}.svg")
    with client_of(chain, COUNTED) as client:
        large = times_served(client, f"/trace/{LARGE}.svg")
    assert 0 < 2 * large < small


def test_drawing_that_costs_more_than_one_request_may_is_refused(chain: Database) -> None:
    with client_of(chain, Limits(cost=8_000)) as client:
        assert fetch(client, f"/trace/{SMALL}.svg").status == 200
        refused = fetch(client, f"/trace/{LARGE}.svg")
    assert refused.status == 400
    assert b"the maximum is 8000" in refused.body


def test_what_was_computed_is_charged_by_its_time(world_to_read: Database) -> None:
    limits = Limits(cost=10, cost_burst=10, cost_per_second=1, cost_of_second=1_000_000)
    viewer = Viewer("public", address="192.0.2.1")

    async def run() -> list[bool]:
        admission = Admission(world_to_read, limits, lambda: 0)
        before = admission.rate_limiter.admit(viewer, 1) is None
        # More than a tenth of a millisecond of any processor.
        await admission.compute(viewer, lambda: sum(range(10**6)), size=1)
        after = admission.rate_limiter.admit(viewer, 1) is None
        other = Viewer("public", address="192.0.2.2")
        return [before, after, admission.rate_limiter.admit(other, 1) is None]

    assert asyncio.run(run()) == [True, False, True]


def test_small_lineage_is_computed_at_once(
    world_to_read: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(execute._send)
    monkeypatch.setattr(execute, "_send", watched.run)
    query = "{ product(by: {productId: 1}) { trace { lotCount } } }"
    with client_of(world_to_read, Limits()) as client:
        assert send(client, encode({"query": query})).json["data"] == {
            "product": {"trace": {"lotCount": 4}}
        }
    assert watched.threads
    assert [one for one in watched.threads if one.startswith(("computing", "AnyIO"))] == []
