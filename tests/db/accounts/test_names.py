"""Names of users and keys: plain characters, and no two names that look alike."""

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from models.accounts.account import find_user, set_password, set_role, verify
from models.api_key import create_api_key
from models.database.engines import Database
from models.errors import InvalidAttribute, InvalidCredentials, TooManyAttempts
from tests.requests import rows
from tests.writing import PASSWORD, make_user, run_sql, write

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
LOOKALIKES = [("anna", "Anna"), ("ANNA", "anna"), ("Ian", "lan"), ("bill", "bi1l"), ("bob", "b0b"), ("marna", "mama"), ("a.O", "a.0"), ("wim", "vvim")]  # fmt: skip


@pytest.mark.parametrize(("first", "second"), LOOKALIKES)
def test_two_names_do_not_look_alike(fresh: Database, first: str, second: str) -> None:
    make_user(fresh, first)
    write(fresh, lambda session: create_api_key(session, first, "viewer"))
    with pytest.raises(IntegrityError):
        make_user(fresh, second)
    with pytest.raises(IntegrityError):
        run_sql(fresh, "INSERT INTO users (username, password) VALUES (:n, 'x')", n=second)
    with pytest.raises(IntegrityError):
        write(fresh, lambda session: create_api_key(session, second, "viewer"))
    assert rows(fresh, "SELECT username FROM users") == [(first,)]
    assert rows(fresh, "SELECT name FROM api_keys") == [(first,)]


@pytest.mark.parametrize("name", ["\u0430nna", "änna", "", " anna", "an\u200bna", "a--b", "\uff41"])
def test_names_are_plain_by_every_writer(fresh: Database, name: str) -> None:
    make_user(fresh, "ben")
    key = "INSERT INTO api_keys (name, role, key_hash, expires_at)"
    for statement in (
        "INSERT INTO users (username, password) VALUES (:n, 'x')",
        "UPDATE users SET username = :n",
        f"{key} VALUES (:n, 'viewer', sha256('x'), now() + interval '1 day')",
    ):
        with pytest.raises(IntegrityError):
            run_sql(fresh, statement, n=name)
    with pytest.raises(InvalidAttribute):
        write(fresh, lambda session: create_api_key(session, f"é{name}", "viewer"))
    assert rows(fresh, "SELECT username FROM users") == [("ben",)]
    assert rows(fresh, "SELECT count(*) FROM api_keys") == [(0,)]


@pytest.mark.parametrize("name", ["anna", "Anna Maria", "a.b+c@x-y.example", "O_1", "ian", "lan"])
def test_plain_names_are_taken(fresh: Database, name: str) -> None:
    make_user(fresh, name)
    run_sql(fresh, "INSERT INTO users (username, password) VALUES ('another', 'x')")
    assert verify(fresh, name, PASSWORD, "").username == name


def old_user(database: Database, name: str) -> None:
    """Insert a user as an earlier version made them."""
    with database.engine().begin() as connection:
        connection.exec_driver_sql("DROP INDEX IF EXISTS users_name_case, users_name_look")
        connection.exec_driver_sql("ALTER TABLE users DISABLE TRIGGER plain_name")
        given = {"n": name, "p": CHEAP.hash(f"{PASSWORD} {name}")}
        connection.execute(text("INSERT INTO users (username, password) VALUES (:n, :p)"), given)
        connection.exec_driver_sql("ALTER TABLE users ENABLE TRIGGER plain_name")


def test_users_of_before_still_sign_in(fresh: Database) -> None:
    for name in ("Anna", "anna", "Jürgen", "анна", "an--na"):
        old_user(fresh, name)
    for number, name in enumerate(("Anna", "anna", "Jürgen", "анна", "an--na"), 1):
        assert verify(fresh, name, f"{PASSWORD} {name}", "").user_id == number
        write(fresh, lambda session, number=number: set_password(session, number, PASSWORD))  # type: ignore[misc]
        assert verify(fresh, name, PASSWORD, "").username == name
    write(fresh, lambda session: set_role(session, find_user(session, "Jürgen"), "operator"))
    assert rows(fresh, "SELECT username FROM users WHERE role = 'operator'") == [("Jürgen",)]


def test_name_is_typed_in_any_case(fresh: Database) -> None:
    make_user(fresh, "Iris.Anna")
    for typed in ("Iris.Anna", "iris.anna", " IRIS.ANNA "):
        assert verify(fresh, typed, PASSWORD, "").username == "Iris.Anna"
    for typed in ("lris.anna", "1ris.Anna", "\u0131ris.anna", "\u0130ris.anna"):
        with pytest.raises(InvalidCredentials):
            verify(fresh, typed, PASSWORD, "")


def test_attempts_count_for_a_name_in_any_case(fresh: Database) -> None:
    make_user(fresh, "anna")
    for typed in ("anna", "Anna", "aNna", "anNa", "ANNA"):
        with pytest.raises(InvalidCredentials):
            verify(fresh, typed, "wrong horse battery", "192.0.2.1")
    with pytest.raises(TooManyAttempts):
        verify(fresh, "annA", PASSWORD, "192.0.2.1")
