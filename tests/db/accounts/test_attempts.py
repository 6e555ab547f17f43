"""The throttle of passwords: by name and address, across processes, without revealing names."""

import threading

import pytest

from models.accounts.account import verify
from models.attempt import _take_turns, begin_attempt, forget_attempt, network_of
from models.database.engines import Database
from models.errors import InvalidCredentials, TooManyAttempts
from tests.conftest import opened
from tests.db.accounts.test_accounts import verifications
from tests.requests import rows
from tests.writing import PASSWORD, make_user, run_sql

__all__ = ["verifications"]


def fail(database: Database, name: str, address: str, times: int) -> None:
    for _ in range(times):
        begin_attempt(database, name, address)


@pytest.mark.parametrize("name", ["anna", "nobody"])
def test_sixth_failure_of_a_name_waits_whether_the_user_exists_or_not(
    fresh: Database, verifications: list[str], name: str
) -> None:
    make_user(fresh, "anna")
    for turn in range(5):
        with pytest.raises(InvalidCredentials):
            verify(fresh, name, "wrong horse battery", f"2001:db8::{turn}")
    verifications.clear()
    for given in (PASSWORD, "wrong horse battery"):
        with pytest.raises(TooManyAttempts) as refused:
            verify(fresh, name, given, "2001:db8::9")
        assert 890 <= refused.value.seconds <= 900
        assert (
            str(refused.value)
            == f"Too many attempts: try again in {refused.value.seconds} seconds."
        )
    assert verifications == []
    assert rows(fresh, "SELECT count(*) FROM sign_in_attempts") == [(5,)]


def test_another_name_and_another_address_do_not_wait(fresh: Database) -> None:
    for name in ("anna", "ben"):
        make_user(fresh, name)
    fail(fresh, "anna", "192.0.2.1", 5)
    assert verify(fresh, "ben", PASSWORD, "192.0.2.1").username == "ben"
    assert verify(fresh, "anna", PASSWORD, "192.0.2.2").username == "anna"


@pytest.mark.parametrize("name", ["anna", "nobody"])
def test_hundred_failures_of_a_name_make_it_wait_wherever_they_come_from(
    fresh: Database, name: str
) -> None:
    make_user(fresh, "anna")
    for number in range(99):
        begin_attempt(fresh, name, f"192.0.2.{number}")
    forget_attempt(fresh, begin_attempt(fresh, name, "198.51.100.1"))
    begin_attempt(fresh, name, "198.51.100.1")
    with pytest.raises(TooManyAttempts):
        verify(fresh, name, PASSWORD, "198.51.100.2")


def test_who_has_signed_in_is_not_stopped_by_what_others_fail_at(fresh: Database) -> None:
    make_user(fresh, "anna")
    fail(fresh, "anna", "192.0.2.1", 5)
    for number in range(15):
        begin_attempt(fresh, f"name {number}", "192.0.2.1")
    with pytest.raises(TooManyAttempts):
        verify(fresh, "anna", PASSWORD, "192.0.2.1")
    assert verify(fresh, "anna", PASSWORD, "192.0.2.1", signed_in=True).username == "anna"


def test_who_has_signed_in_is_counted_too(fresh: Database) -> None:
    make_user(fresh, "anna")
    for _ in range(5):
        with pytest.raises(InvalidCredentials) as refused:
            verify(fresh, "anna", "wrong horse battery", "192.0.2.1", signed_in=True)
        assert refused.value.attribute == "old_password"
    with pytest.raises(TooManyAttempts):
        verify(fresh, "anna", PASSWORD, "192.0.2.1", signed_in=True)
    # Other users still sign in.
    assert verify(fresh, "anna", PASSWORD, "192.0.2.1").username == "anna"


def test_throttled_attempt_waits_for_no_other_one(fresh: Database) -> None:
    fail(fresh, "anna", "192.0.2.1", 5)
    with fresh.session() as other:
        _take_turns(other, "address 192.0.2.1")
        # It would wait for a lock for nine seconds, and fail otherwise.
        with pytest.raises(TooManyAttempts):
            begin_attempt(fresh, "anna", "192.0.2.1")


def test_twenty_failures_of_an_address_make_it_wait(fresh: Database) -> None:
    make_user(fresh, "anna")
    for number in range(20):
        begin_attempt(fresh, f"name {number}", "192.0.2.1")
    with pytest.raises(TooManyAttempts):
        verify(fresh, "anna", PASSWORD, "192.0.2.1")
    assert verify(fresh, "anna", PASSWORD, "192.0.2.2").username == "anna"


def test_spelling_of_a_name_does_not_escape_the_count(fresh: Database) -> None:
    for name in ("anna", " anna", "anna ", "\uff41nna", "\tanna\n"):
        with pytest.raises(InvalidCredentials):
            verify(fresh, name, PASSWORD, "")
    with pytest.raises(TooManyAttempts):
        verify(fresh, "anna", PASSWORD, "")


def test_success_does_not_count_and_forgives_nothing(fresh: Database) -> None:
    make_user(fresh, "anna")
    fail(fresh, "anna", "192.0.2.1", 4)
    for _ in range(3):
        verify(fresh, "anna", PASSWORD, "192.0.2.1")
    assert rows(fresh, "SELECT count(*) FROM sign_in_attempts") == [(4,)]
    fail(fresh, "anna", "192.0.2.1", 1)
    with pytest.raises(TooManyAttempts):
        verify(fresh, "anna", PASSWORD, "192.0.2.1")


def test_failures_count_for_a_quarter_of_an_hour(fresh: Database) -> None:
    make_user(fresh, "anna")
    fail(fresh, "anna", "192.0.2.1", 5)
    run_sql(fresh, "UPDATE sign_in_attempts SET at = at - interval '14 minutes'")
    with pytest.raises(TooManyAttempts) as refused:
        verify(fresh, "anna", PASSWORD, "192.0.2.1")
    assert 50 <= refused.value.seconds <= 60
    run_sql(fresh, "UPDATE sign_in_attempts SET at = at - interval '1 minute'")
    assert verify(fresh, "anna", PASSWORD, "192.0.2.1").username == "anna"
    # What does not count any more is not kept either.
    assert rows(fresh, "SELECT count(*) FROM sign_in_attempts") == [(0,)]


def test_another_process_counts_the_same(fresh: Database) -> None:
    fail(fresh, "anna", "192.0.2.1", 5)
    url = fresh._writes.url.render_as_string(hide_password=False)
    with opened(url) as other, pytest.raises(TooManyAttempts):
        begin_attempt(other, "anna", "192.0.2.1")


def test_attempts_at_the_same_moment_are_counted(fresh: Database) -> None:
    outcomes: list[str] = []

    def attempt(start: threading.Barrier) -> None:
        start.wait()
        try:
            begin_attempt(fresh, "anna", "192.0.2.1")
            outcomes.append("let in")
        except TooManyAttempts:
            outcomes.append("refused")

    start = threading.Barrier(8)
    threads = [threading.Thread(target=attempt, args=(start,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["let in"] * 5 + ["refused"] * 3


def test_what_was_typed_as_a_name_is_not_kept(fresh: Database) -> None:
    begin_attempt(fresh, PASSWORD, "192.0.2.1")
    [(row,)] = rows(fresh, "SELECT t::text FROM sign_in_attempts t")
    assert PASSWORD not in row


def test_attempt_that_is_taken_back_is_forgotten(fresh: Database) -> None:
    forget_attempt(fresh, begin_attempt(fresh, "anna", "192.0.2.1"))
    assert rows(fresh, "SELECT count(*) FROM sign_in_attempts") == [(0,)]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_addresses_that_one_client_can_choose_from_are_one(address: str, network: str) -> None:
    assert network_of(address) == network
