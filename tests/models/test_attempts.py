"""The throttle of sign-ins: per name and per address, for all processes, without telling names."""

import threading

import pytest

from models.account import verify
from models.attempt import begin_attempt, forget_attempt, network_of
from models.database import Database
from models.errors import InvalidCredentials, TooManyAttempts
from tests.api.asking import rows
from tests.conftest import opened
from tests.models.test_accounts import verifications
from tests.models.writing import PASSWORD, make_user, run_sql

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
            verify(fresh, name, "wrong horse battery", f"192.0.2.{turn}")
    verifications.clear()
    for given in (PASSWORD, "wrong horse battery"):
        with pytest.raises(TooManyAttempts) as refused:
            verify(fresh, name, given, "192.0.2.9")
        assert 890 <= refused.value.seconds <= 900
        assert (
            str(refused.value)
            == f"Too many attempts: try again in {refused.value.seconds} seconds."
        )
    assert verifications == []
    assert rows(fresh, "SELECT count(*) FROM sign_in_attempts") == [(5,)]


def test_another_name_and_another_address_do_not_wait(fresh: Database) -> None:
    make_user(fresh, "ben")
    fail(fresh, "anna", "192.0.2.1", 5)
    assert verify(fresh, "ben", PASSWORD, "192.0.2.1").username == "ben"


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
