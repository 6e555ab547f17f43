"""Common passwords are rejected; users whose password is older than the rule still sign in."""

import pytest
from argon2 import PasswordHasher

from models.accounts.account import change_password, set_password, verify
from models.database.engines import Database
from models.errors import InvalidAttribute
from tests.requests import rows
from tests.writing import PASSWORD, make_user, run_sql, write

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        *((text, "different characters") for text in ("x" * 12, "ü" * 200, "abababababab", "aaaaaaaaabcd", "1 2 1 2 1 2 1 2")),
        *((text, "different characters") for text in ("____________", "xX-xX-xX-xX-", "\uff58" * 12)),
        *((text, "again and again") for text in ("password" * 2, "abcde1abcde1", "PassWord-passwordPASS", "lagerhaus7lagerhaus7lager")),
        *((text, "a sequence") for text in ("abcdefghijkl", "123456789012", "qwertyuiopas", "ZYXWVUTSRQPON")),
        *((text, "a sequence") for text in ("aaaabbbbccccddddeeee", "acegikmoqsuw", "абвгдежзийкл", "1234-5678-9012", "asdfghjklqwertz")),
    ],
)  # fmt: skip
def test_password_that_follows_a_rule_is_refused(fresh: Database, given: str, reason: str) -> None:
    make_user(fresh, "anna")
    with pytest.raises(InvalidAttribute, match=reason):
        make_user(fresh, "ben", password=given)
    with pytest.raises(InvalidAttribute, match=reason):
        write(fresh, lambda session: set_password(session, 1, given))
    known = verify(fresh, "anna", PASSWORD, "")
    with pytest.raises(InvalidAttribute, match=reason) as refused, fresh.session() as session:
        change_password(session, known, given)
    assert refused.value.attribute == "new_password"
    assert rows(fresh, "SELECT username FROM users") == [("anna",)]
    assert verify(fresh, "anna", PASSWORD, "").user_id == 1


@pytest.mark.parametrize(
    "given",
    ["correct horse battery", "mississippi1x", "9f86d081884c7d65", "password1234x", "Zürich-Genf 2026", "可可豆来自加纳的农场主人们"],
)  # fmt: skip
def test_other_passwords_are_taken(fresh: Database, given: str) -> None:
    make_user(fresh, "anna", password=given)
    assert verify(fresh, "anna", given, "").user_id == 1


def test_password_of_before_still_signs_in(fresh: Database) -> None:
    run_sql(fresh, "INSERT INTO users (username, password) VALUES ('anna', :p)", p=CHEAP.hash("x" * 12))  # fmt: skip
    assert verify(fresh, "anna", "x" * 12, "").username == "anna"
    assert verify(fresh, "anna", "x" * 12, "").password.startswith("$argon2id$v=19$m=19456")
