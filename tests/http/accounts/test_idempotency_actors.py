"""An idempotency key belongs to the actor that sends it, and expires."""

import asyncio
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import text

from graph.admission.limits import Limits
from graph.answer import Request
from graph.context import Viewer
from graph.execution.engine import Engine
from models.database.engines import Database
from models.idempotency import SWEEP_ROWS, KeySweeper, remove_expired
from tests.http.accounts.accounts import ADMIN, CREATE_KEY, payload, viewer_of
from tests.requests import rows

SUPPLIER = """mutation ($input: CreateSupplierInput!) { createSupplier(input: $input) {
  supplier { supplierId name } userErrors { field message code } } }"""
OPERATOR = Viewer("operator", actor="user:anna", username="anna")
KEEPING = "SELECT actor, key, mutation, objects FROM idempotency_keys ORDER BY actor, key"


def create(database: Database, viewer: Viewer, name: str, key: str = "1") -> dict[str, Any]:
    return payload(database, SUPPLIER, viewer, name=name, location="Ghent", idempotencyKey=key)


def key_viewer(database: Database, name: str) -> Viewer:
    # A key lives with the user who made it.
    maker = Viewer("admin", actor="user:anna", username="anna")
    made = payload(database, CREATE_KEY, maker, name=name, role="OPERATOR")
    return viewer_of(database, made["token"])


def age(database: Database, hours: int, where: str = "true") -> None:
    with database.session() as session:
        session.execute(
            text(
                f"UPDATE idempotency_keys SET created_at = now() - interval '{hours} hours'"
                f" WHERE {where}"
            )
        )
        session.commit()


def test_api_keys_do_not_share_idempotency_keys(anna: Database) -> None:
    first, second = key_viewer(anna, "A"), key_viewer(anna, "B")
    of_first = create(anna, first, "Of A")
    of_second = create(anna, second, "Of B")
    assert (of_first["supplier"]["name"], of_second["supplier"]["name"]) == ("Of A", "Of B")
    assert of_second["userErrors"] == []
    assert create(anna, first, "Of A") == of_first
    assert create(anna, second, "Of B") == of_second
    assert [(row[0], row[1]) for row in rows(anna, KEEPING)] == [("key:A", "1"), ("key:B", "1")]
    assert rows(anna, "SELECT count(*) FROM suppliers WHERE name LIKE 'Of _'") == [(2,)]


@pytest.mark.parametrize(
    "other",
    [
        Viewer("operator", actor="user:ben", username="ben"),
        Viewer("operator", actor="oidc:anna", username="anna"),
        Viewer("operator", actor="key:anna", api_key="anna"),
        Viewer("operator", actor="dev:operator"),
    ],
    ids=lambda viewer: viewer.actor,
)
def test_actors_of_every_kind_have_keys_of_their_own(anna: Database, other: Viewer) -> None:
    mine, theirs = create(anna, OPERATOR, "Same"), create(anna, other, "Other")
    assert theirs["userErrors"] == []
    assert theirs["supplier"]["name"] == "Other"
    assert theirs["supplier"]["supplierId"] != mine["supplier"]["supplierId"]
    assert create(anna, OPERATOR, "Same") == mine
    changed = create(anna, OPERATOR, "Changed")
    assert [error["code"] for error in changed["userErrors"]] == ["IDEMPOTENCY_KEY_REUSED"]


def test_key_is_of_the_actor_and_not_of_its_role(anna: Database) -> None:
    first = create(anna, OPERATOR, "Same")
    promoted = Viewer("admin", actor="user:anna", username="anna")
    assert create(anna, promoted, "Same") == first


def test_expired_key_writes_again_though_nothing_removed_it(anna: Database) -> None:
    create(anna, OPERATOR, "First")
    age(anna, 73)
    again = create(anna, OPERATOR, "Second")
    assert again["supplier"]["name"] == "Second"
    number = again["supplier"]["supplierId"]
    assert rows(anna, KEEPING) == [("user:anna", "1", "createSupplier", {"supplier": number})]
    assert create(anna, OPERATOR, "Second") == again


def test_key_lives_as_long_as_it_is_set_to(anna: Database) -> None:
    given = {"name": "A", "location": "B", "idempotencyKey": "1"}

    def send(hours: int) -> int:
        engine = Engine(anna, limits=Limits(idempotency_hours=hours))
        answered = asyncio.run(engine.answer(Request(SUPPLIER, {"input": given}), OPERATOR))
        assert answered.data is not None
        return int(answered.data["createSupplier"]["supplier"]["supplierId"])

    first = send(10)
    age(anna, 9)
    assert send(10) == first
    assert rows(anna, "SELECT count(*) FROM suppliers WHERE name = 'A'") == [(1,)]


def test_removal_takes_expired_keys_of_all_actors_and_no_others(anna: Database) -> None:
    create(anna, OPERATOR, "Old", "old")
    create(anna, ADMIN, "Old too", "old")
    create(anna, OPERATOR, "New", "new")
    age(anna, 73, "key = 'old'")
    age(anna, 71, "key = 'new'")
    assert remove_expired(anna, 72) == 2
    assert [(row[0], row[1]) for row in rows(anna, KEEPING)] == [("user:anna", "new")]
    assert remove_expired(anna, 72) == 0


def test_removal_goes_on_until_nothing_is_left(anna: Database) -> None:
    many = 2 * SWEEP_ROWS + 1
    with anna.session() as session:
        session.execute(
            text(
                "INSERT INTO idempotency_keys (actor, key, mutation, input_hash, created_at)"
                " SELECT 'x', n::text, 'm', '\\x00', now() - interval '80 hours'"
                f" FROM generate_series(1, {many}) n"
            )
        )
        session.commit()
    assert remove_expired(anna, 72) == many
    assert rows(anna, "SELECT count(*) FROM idempotency_keys") == [(0,)]


def test_removal_waits_for_no_writer(anna: Database) -> None:
    create(anna, OPERATOR, "Held", "held")
    create(anna, OPERATOR, "Free", "free")
    age(anna, 80)
    with anna.session() as writer:
        writer.execute(text("SELECT FROM idempotency_keys WHERE key = 'held' FOR UPDATE"))
        removed: list[int] = []
        thread = Thread(target=lambda: removed.append(remove_expired(anna, 72)))
        thread.start()
        thread.join(60)
        assert removed == [1]
        writer.rollback()
    assert [row[1] for row in rows(anna, KEEPING)] == ["held"]


def test_server_removes_expired_keys_when_it_starts(anna: Database) -> None:
    create(anna, OPERATOR, "Old")
    age(anna, 80)
    sweeper = KeySweeper(anna, 72)
    sweeper.start()
    sweeper.stop(60)
    assert rows(anna, KEEPING) == []
