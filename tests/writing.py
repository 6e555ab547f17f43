"""Writes of tests, each in a transaction of its own."""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.accounts.account import create_user, sign_in, verify
from models.database.engines import Database
from models.session import Started

T = TypeVar("T")

PASSWORD = "correct horse battery"


def write(database: Database, change: Callable[[Session], T], actor: str = "") -> T:
    """Do it and commit; what it returned."""
    with database.session(actor) as session:
        done = change(session)
        session.commit()
    return done


def make_user(database: Database, name: str, role: str = "viewer", password: str = PASSWORD) -> int:
    """Return a new user; the number."""
    return write(database, lambda session: create_user(session, name, password, role))


def signed_in(database: Database, name: str, password: str = PASSWORD) -> Started:
    """Return a new session of this user."""
    user = verify(database, name, password, "")
    return write(database, lambda session: sign_in(session, user))


def run_sql(database: Database, statement: str, **values: Any) -> None:
    """Run a statement of the test's own."""
    with database.engine().begin() as connection:
        connection.execute(text(statement), values)
