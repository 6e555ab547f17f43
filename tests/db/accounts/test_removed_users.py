"""Removed users: they cannot sign in, and their names are not given again."""

import pytest
from sqlalchemy.exc import IntegrityError

from models.accounts import account
from models.accounts.account import verify
from models.database.engines import Database
from models.errors import InvalidCredentials, LastAdmin, NotFound
from tests.requests import rows
from tests.writing import PASSWORD, make_user, write


def test_removed_user_cannot_act_and_keeps_the_name(fresh: Database) -> None:
    make_user(fresh, "anna", "admin")
    make_user(fresh, "ben", "admin")
    before = verify(fresh, "anna", PASSWORD, "")
    write(fresh, lambda session: account.remove_user(session, 1))
    removed = "SELECT username, password, removed_at IS NULL FROM users WHERE user_id = 1"
    assert rows(fresh, removed) == [("anna", "", False)]
    for given in (PASSWORD, ""):
        with pytest.raises(InvalidCredentials):
            verify(fresh, "anna", given, "")
    with pytest.raises(InvalidCredentials), fresh.session() as session:
        account.sign_in(session, before)
    for change in (
        lambda s: account.set_role(s, 1, "viewer"),
        lambda s: account.set_password(s, 1, PASSWORD),
        lambda s: account.remove_user(s, 1),
        lambda s: account.find_user(s, "anna"),
    ):
        with pytest.raises(NotFound):
            write(fresh, change)
    with pytest.raises(IntegrityError):
        make_user(fresh, "anna")
    assert rows(fresh, removed) == [("anna", "", False)]


def test_removed_admin_is_not_the_one_who_is_left(fresh: Database) -> None:
    for name in ("anna", "ben"):
        make_user(fresh, name, "admin")
    write(fresh, lambda session: account.remove_user(session, 1))
    with pytest.raises(LastAdmin):
        write(fresh, lambda session: account.set_role(session, 2, "viewer"))
    with pytest.raises(LastAdmin):
        write(fresh, lambda session: account.remove_user(session, 2))
