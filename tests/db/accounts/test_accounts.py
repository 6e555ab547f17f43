"""Accounts: sign-in, what is stored of passwords and tokens, when a session ends."""

import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from argon2 import PasswordHasher
from sqlalchemy.exc import IntegrityError

from models.accounts import account, password
from models.accounts.account import verify
from models.api_key import create_api_key, note_use, revoke_api_key
from models.database.connection_limiter import DatabaseUnavailable
from models.database.engines import Database
from models.errors import InvalidAttribute, InvalidCredentials, LastAdmin, NotFound
from models.session import end_session, end_sessions, hash_of, renew_session
from tests.requests import rows
from tests.writing import PASSWORD, make_user, run_sql, signed_in, write

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def verifications() -> Iterator[list[str]]:
    """Provide the hashes that passwords are compared with while the test runs."""
    compared: list[str] = []
    real = PasswordHasher.verify

    def note(hasher: PasswordHasher, stored: str, given: str) -> bool:
        compared.append(stored)
        return real(hasher, stored, given)

    with patch.object(PasswordHasher, "verify", note):
        yield compared


def everything(database: Database) -> str:
    """Return the whole contents of the database, as text."""
    tables = rows(
        database, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 2200"
    )
    found = [rows(database, f"SELECT t::text FROM {table} t") for (table,) in tables]
    return str(found)


def sessions(database: Database) -> list[tuple[int, bool]]:
    """Return the user of each session and whether it is valid, oldest first."""
    query = "SELECT user_id, revoked_at IS NULL FROM sessions ORDER BY created_at"
    return [(user, living) for user, living in rows(database, query)]


# ---------------------------------------------------------------- users and passwords


def test_password_is_kept_as_argon2id_with_the_parameters_of_owasp(fresh: Database) -> None:
    make_user(fresh, "anna", "admin")
    [(name, stored, role)] = rows(fresh, "SELECT username, password, role FROM users")
    assert (name, role) == ("anna", "admin")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PASSWORD not in everything(fresh)


def test_equal_passwords_have_different_hashes(fresh: Database) -> None:
    make_user(fresh, "anna")
    make_user(fresh, "ben")
    assert rows(fresh, "SELECT count(DISTINCT password) FROM users") == [(2,)]


@pytest.mark.parametrize(
    "given", ["", "short", "Xy7!mK2@pQ4", "x" * 12, "correct horse " * 15, "Anna Schokolade", "ANNA schokolade", "\uff21\uff2e\uff2e\uff21 schokolade", "\ud800" * 12]
)  # fmt: skip
def test_unfit_password_makes_no_user(fresh: Database, given: str) -> None:
    with pytest.raises(InvalidAttribute) as refused:
        make_user(fresh, "anna schokolade", password=given)
    assert refused.value.attribute == "password"
    assert rows(fresh, "SELECT count(*) FROM users") == [(0,)]


@pytest.mark.parametrize("given", ["Xy7!mK2@pQ4z", "überaus gut! " * 7 + "x" * 108 + "z"])
def test_password_may_have_12_to_200_characters(fresh: Database, given: str) -> None:
    make_user(fresh, "anna", password=given)
    assert verify(fresh, "anna", given, "").username == "anna"


def test_password_is_the_same_however_its_letters_are_composed(fresh: Database) -> None:
    make_user(fresh, "anna", password="Kakaobo\u0308hnchen")
    assert verify(fresh, "anna", "Kakaob\u00f6hnchen", "").user_id == 1


@pytest.mark.parametrize("name", ["", "  ", "a" * 101, "an\nna", "an\u200bna", "a--b", "anna."])
def test_unfit_name_makes_no_user(fresh: Database, name: str) -> None:
    with pytest.raises(InvalidAttribute):
        make_user(fresh, name)
    assert rows(fresh, "SELECT count(*) FROM users") == [(0,)]


def test_two_users_cannot_share_a_name(fresh: Database) -> None:
    make_user(fresh, "anna")
    with pytest.raises(IntegrityError):
        make_user(fresh, " anna ")
    assert rows(fresh, "SELECT count(*) FROM users") == [(1,)]


@pytest.mark.parametrize("role", ["public", "root", "ADMIN", ""])
def test_unknown_role_is_an_error(fresh: Database, role: str) -> None:
    with pytest.raises(InvalidAttribute):
        make_user(fresh, "anna", role)


def test_insert_of_the_first_design_still_works(fresh: Database) -> None:
    run_sql(fresh, "INSERT INTO users (username, password, role) VALUES ('a', 'b', 'viewer')")
    run_sql(fresh, "INSERT INTO users (username, password) VALUES ('c', 'd')")
    assert rows(fresh, "SELECT role FROM users") == [("viewer",), ("viewer",)]


# ---------------------------------------------------------------- signing in


@pytest.mark.parametrize(
    ("name", "given"),
    [("anna", "wrong horse battery"), ("nobody", PASSWORD), ("plain", PASSWORD), ("", ""), ("anna", "x" * 9999)],
)  # fmt: skip
def test_unknown_name_and_wrong_password_cost_and_answer_the_same(
    fresh: Database, verifications: list[str], name: str, given: str
) -> None:
    make_user(fresh, "anna")
    run_sql(fresh, "INSERT INTO users (username, password) VALUES ('plain', :p)", p=PASSWORD)
    with pytest.raises(InvalidCredentials) as refused:
        verify(fresh, name, given, "192.0.2.1")
    assert str(refused.value) == "The username or the password is wrong."
    assert len(verifications) == 1
    assert verifications[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert rows(fresh, "SELECT count(*) FROM sign_in_attempts") == [(1,)]


@pytest.mark.parametrize("stored", ["", "$argon2id$", "$argon2id$v=19$é", "$2b$12$abc"])
def test_invalid_hash_allows_no_sign_in(fresh: Database, stored: str) -> None:
    run_sql(fresh, "INSERT INTO users (username, password) VALUES ('anna', :p)", p=stored)
    for given in ("", stored, PASSWORD):
        with pytest.raises(InvalidCredentials):
            verify(fresh, "anna", given, "")


def test_hash_with_other_parameters_is_made_anew(fresh: Database) -> None:
    run_sql(fresh, "INSERT INTO users (username, password) VALUES ('anna', :p)", p=CHEAP.hash(PASSWORD))  # fmt: skip
    signed_in(fresh, "anna")
    [(stored,)] = rows(fresh, "SELECT password FROM users")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert verify(fresh, "anna", PASSWORD, "").password == stored
    assert rows(fresh, "SELECT actor FROM changes WHERE operation = 'UPDATE'") == [("user:anna",)]


def test_token_is_random_and_only_its_hash_is_kept(fresh: Database) -> None:
    make_user(fresh, "anna")
    first, second = signed_in(fresh, "anna"), signed_in(fresh, "anna")
    assert len({first.token, second.token}) == 2
    assert len(first.token) == 47
    assert first.token.startswith("cts_")
    assert first.token not in everything(fresh)
    assert first.token[4:] not in everything(fresh)
    hashes = {bytes(found) for (found,) in rows(fresh, "SELECT token_hash FROM sessions")}
    assert hashes == {hash_of(first.token), hash_of(second.token)}


def test_session_ends_after_twelve_hours(fresh: Database) -> None:
    make_user(fresh, "anna")
    ends = signed_in(fresh, "anna").expires_at
    assert abs(ends - datetime.now(UTC) - timedelta(hours=12)) < timedelta(seconds=10)


def test_password_that_was_changed_meanwhile_allows_no_sign_in(fresh: Database) -> None:
    make_user(fresh, "anna")
    before = verify(fresh, "anna", PASSWORD, "")
    write(fresh, lambda session: account.set_password(session, 1, "another horse battery"))
    with pytest.raises(InvalidCredentials), fresh.session() as session:
        account.sign_in(session, before)
    assert sessions(fresh) == []


def test_nothing_secret_is_logged(fresh: Database, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    make_user(fresh, "anna")
    started = signed_in(fresh, "anna")
    with pytest.raises(InvalidCredentials):
        verify(fresh, "anna", "wrong horse battery", "")
    shown = caplog.text + repr(started) + repr(verify(fresh, "anna", PASSWORD, ""))
    for secret in (PASSWORD, "wrong horse battery", started.token, "$argon2id$"):
        assert secret not in shown


def test_hashing_is_refused_beyond_a_short_queue(fresh: Database) -> None:
    make_user(fresh, "anna")
    held = [password._places.acquire(blocking=False) for _ in range(10)]
    try:
        with pytest.raises(DatabaseUnavailable):
            verify(fresh, "anna", PASSWORD, "192.0.2.1")
    finally:
        for _ in held:
            password._places.release()
    # It was not decided, so it does not count.
    assert rows(fresh, "SELECT count(*) FROM sign_in_attempts") == [(0,)]


def test_at_most_two_passwords_are_compared_at_a_time(fresh: Database) -> None:
    make_user(fresh, "anna")
    running, most, lock = 0, 0, threading.Lock()
    real = PasswordHasher.verify

    def count(hasher: PasswordHasher, stored: str, given: str) -> bool:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        try:
            return real(hasher, stored, given)
        finally:
            with lock:
                running -= 1

    with patch.object(PasswordHasher, "verify", count):
        threads = [
            threading.Thread(target=verify, args=(fresh, "anna", PASSWORD, "")) for _ in range(5)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert 1 <= most <= 2


# ---------------------------------------------------------------- sessions end


def test_changing_the_password_ends_all_other_sessions(fresh: Database) -> None:
    make_user(fresh, "anna")
    make_user(fresh, "ben")
    here = signed_in(fresh, "anna")
    for name in ("anna", "anna", "ben"):
        signed_in(fresh, name)
    user = verify(fresh, "anna", PASSWORD, "")
    new, kept = "another horse battery", hash_of(here.token)
    assert write(fresh, lambda s: account.change_password(s, user, new, kept)) == 2
    assert sessions(fresh) == [(1, True), (1, False), (1, False), (2, True)]
    assert verify(fresh, "anna", new, "").user_id == 1
    with pytest.raises(InvalidCredentials):
        verify(fresh, "anna", PASSWORD, "")


def test_password_that_was_changed_meanwhile_is_not_changed(fresh: Database) -> None:
    make_user(fresh, "anna")
    user = verify(fresh, "anna", PASSWORD, "")
    write(fresh, lambda session: account.set_password(session, 1, "another horse battery"))
    with pytest.raises(InvalidCredentials), fresh.session() as session:
        account.change_password(session, user, "a third horse battery")
    assert verify(fresh, "anna", "another horse battery", "").user_id == 1


def test_ending_a_session_ends_that_one_once(fresh: Database) -> None:
    make_user(fresh, "anna")
    first, _ = signed_in(fresh, "anna"), signed_in(fresh, "anna")
    assert write(fresh, lambda session: end_session(session, hash_of(first.token))) == 1
    assert write(fresh, lambda session: end_session(session, hash_of(first.token))) == 0
    assert sessions(fresh) == [(1, False), (1, True)]
    assert write(fresh, lambda session: end_sessions(session, 1)) == 1


def test_renewal_is_written_in_steps(fresh: Database) -> None:
    make_user(fresh, "anna")
    token_hash = hash_of(signed_in(fresh, "anna").token)
    seen = rows(fresh, "SELECT seen_at FROM sessions")
    renew_session(fresh, token_hash)
    assert rows(fresh, "SELECT seen_at FROM sessions") == seen
    run_sql(fresh, "UPDATE sessions SET seen_at = now() - interval '6 minutes'")
    renew_session(fresh, token_hash)
    assert rows(fresh, "SELECT seen_at > now() - interval '1 minute' FROM sessions") == [(True,)]


def test_expired_sessions_are_forgotten_at_the_next_sign_in(fresh: Database) -> None:
    make_user(fresh, "anna")
    signed_in(fresh, "anna")
    run_sql(fresh, "UPDATE sessions SET expires_at = now() - interval '1 second'")
    signed_in(fresh, "anna")
    assert sessions(fresh) == [(1, True)]


def test_removing_a_user_ends_their_sessions(fresh: Database) -> None:
    make_user(fresh, "anna")
    signed_in(fresh, "anna")
    write(fresh, lambda session: account.remove_user(session, 1))
    assert sessions(fresh) == [(1, False)]


# ---------------------------------------------------------------- an admin is left


def test_last_admin_stays(fresh: Database) -> None:
    make_user(fresh, "anna", "admin")
    make_user(fresh, "ben", "operator")
    with pytest.raises(LastAdmin):
        write(fresh, lambda session: account.set_role(session, 1, "viewer"))
    with pytest.raises(LastAdmin):
        write(fresh, lambda session: account.remove_user(session, 1))
    write(fresh, lambda session: account.set_role(session, 1, "admin"))
    assert rows(fresh, "SELECT role FROM users ORDER BY user_id") == [("admin",), ("operator",)]


def test_one_of_two_admins_may_go(fresh: Database) -> None:
    make_user(fresh, "anna", "admin")
    make_user(fresh, "ben", "admin")
    write(fresh, lambda session: account.set_role(session, 1, "viewer"))
    assert rows(fresh, "SELECT role FROM users ORDER BY user_id") == [("viewer",), ("admin",)]


def test_of_two_last_admins_removed_at_once_one_stays(fresh: Database) -> None:
    for turn in range(5):
        run_sql(fresh, "DELETE FROM users")
        users = [make_user(fresh, name, "admin") for name in ("anna", "ben")]
        start = threading.Barrier(2)
        refused: list[int] = []

        def demote(user: int, start: threading.Barrier, refused: list[int]) -> None:
            with fresh.session() as session:
                start.wait()
                try:
                    account.set_role(session, user, "viewer")
                    session.commit()
                except LastAdmin:
                    refused.append(user)

        threads = [threading.Thread(target=demote, args=(u, start, refused)) for u in users]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(refused) == 1, turn
        assert rows(fresh, "SELECT user_id FROM users WHERE role = 'admin'") == [(refused[0],)]


def test_users_who_do_not_exist_are_not_found(fresh: Database) -> None:
    with fresh.session() as session:
        for change in (
            lambda: account.set_role(session, 7, "viewer"),
            lambda: account.remove_user(session, 7),
            lambda: account.set_password(session, 7, PASSWORD),
        ):
            with pytest.raises(NotFound):
                change()


# ---------------------------------------------------------------- API keys


def test_api_key_is_kept_as_a_hash_and_expires(fresh: Database) -> None:
    number, key = write(fresh, lambda s: create_api_key(s, "erp", "operator"), "user:anna")
    assert (number, len(key), key[:4]) == (1, 47, "ctk_")
    assert key[4:] not in everything(fresh)
    query = "SELECT name, role, created_by, expires_at - created_at, revoked_at, last_used_at FROM api_keys"
    assert rows(fresh, query) == [("erp", "operator", "user:anna", timedelta(days=90), None, None)]
    assert [bytes(h) for (h,) in rows(fresh, "SELECT key_hash FROM api_keys")] == [hash_of(key)]


@pytest.mark.parametrize("days", [0, -1, 366])
def test_api_key_lives_for_a_year_at_most(fresh: Database, days: int) -> None:
    with pytest.raises(InvalidAttribute) as refused, fresh.session() as session:
        create_api_key(session, "erp", "viewer", days)
    assert refused.value.attribute == "expires_in_days"


def test_api_keys_do_not_share_a_name_even_with_revoked_ones(fresh: Database) -> None:
    write(fresh, lambda session: create_api_key(session, "erp", "viewer"))
    write(fresh, lambda session: revoke_api_key(session, 1))
    with pytest.raises(IntegrityError):
        write(fresh, lambda session: create_api_key(session, "erp", "viewer"))


def test_revoking_a_key_again_changes_nothing(fresh: Database) -> None:
    write(fresh, lambda session: create_api_key(session, "erp", "viewer"))
    write(fresh, lambda session: revoke_api_key(session, 1))
    revoked = rows(fresh, "SELECT revoked_at FROM api_keys")
    write(fresh, lambda session: revoke_api_key(session, 1))
    assert rows(fresh, "SELECT revoked_at FROM api_keys") == revoked != [(None,)]


def test_use_of_a_key_is_written_once_a_minute(fresh: Database) -> None:
    write(fresh, lambda session: create_api_key(session, "erp", "viewer"))
    note_use(fresh, 1)
    used = rows(fresh, "SELECT last_used_at FROM api_keys")
    note_use(fresh, 1)
    assert rows(fresh, "SELECT last_used_at FROM api_keys") == used != [(None,)]
    run_sql(fresh, "UPDATE api_keys SET last_used_at = now() - interval '61 seconds'")
    note_use(fresh, 1)
    query = "SELECT last_used_at > now() - interval '5 seconds' FROM api_keys"
    assert rows(fresh, query) == [(True,)]
    # It is no change of the key.
    assert rows(fresh, "SELECT operation FROM changes WHERE relation = 'api_keys'") == [("INSERT",)]
