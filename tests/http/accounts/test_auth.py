"""Authentication by token: invalid tokens, what is cached and for how long, its statements."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from graph.auth import tokens as auth
from graph.auth.tokens import Authenticator
from graph.context import Viewer
from graph.errors import Unauthenticated
from models.accounts import account
from models.api_key import create_api_key, revoke_api_key
from models.database.engines import Database
from models.session import end_session, hash_of
from tests import bounds
from tests.recorder import recording
from tests.requests import rows
from tests.writing import make_user, run_sql, signed_in, write

T = TypeVar("T")

ADDRESS = "192.0.2.1"


@pytest.fixture
def token(fresh: Database) -> str:
    """Provide the token of anna, an operator, who has signed in."""
    make_user(fresh, "anna", "operator")
    return signed_in(fresh, "anna").token


@pytest.fixture
def key(fresh: Database) -> str:
    """Provide the API key `erp`, of an operator."""
    return write(fresh, lambda session: create_api_key(session, "erp", "operator"))[1]


def bearer(token: str) -> bytes:
    return f"Bearer {token}".encode()


def ask(database: Database, authorization: bytes) -> Viewer:
    """Return the viewer that a process with empty caches finds for this header."""
    return asyncio.run(Authenticator(database).viewer(authorization, ADDRESS))


def within(database: Database, scenario: Callable[[Authenticator], Awaitable[T]]) -> T:
    """Run this with one authenticator on one event loop."""

    async def run() -> T:
        return await scenario(Authenticator(database))

    return asyncio.run(run())


# ---------------------------------------------------------------- who it is


def test_session_is_the_user_with_the_role_of_now(fresh: Database, token: str) -> None:
    viewer = ask(fresh, bearer(token))
    assert viewer.expires_at is not None
    assert abs(viewer.expires_at - datetime.now(UTC) - timedelta(hours=12)) < timedelta(minutes=1)
    assert replace(viewer, expires_at=None) == Viewer(
        role="operator",
        actor="user:anna",
        username="anna",
        user_id=1,
        session=hash_of(token),
        address=ADDRESS,
    )
    run_sql(fresh, "UPDATE users SET role = 'viewer'")
    assert ask(fresh, bearer(token)).role == "viewer"


def test_viewer_of_a_key_is_the_key(fresh: Database, key: str) -> None:
    viewer = ask(fresh, bearer(key))
    assert viewer.expires_at is not None
    assert abs(viewer.expires_at - datetime.now(UTC) - timedelta(days=90)) < timedelta(minutes=1)
    assert replace(viewer, expires_at=None) == Viewer(
        role="operator", actor="key:erp", api_key="erp", address=ADDRESS
    )


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_scheme_is_written_in_any_case(fresh: Database, token: str, scheme: str) -> None:
    assert ask(fresh, f"{scheme} {token}".encode()).username == "anna"


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"Bearer",
        b"Bearer ",
        b"Basic YW5uYTpwYXNzd29yZA==",
        b"Bearer cts_",
        b"Bearer " + b"cts_" + b"A" * 42,
        b"Bearer " + b"cts_" + b"A" * 44,
        b"Bearer " + b"ctx_" + b"A" * 43,
        b"Bearer " + b"cts_" + b"\xff" * 43,
        b"Bearer cts_\x00" + b"A" * 42,
        b"Bearer a.b.c",
        b"Bearer " + b"A" * 100_000,
        b"Bearer " + b"a." * 5_000,
        b"Bearer a b",
    ],
)
def test_malformed_header_is_refused_without_a_statement(fresh: Database, header: bytes) -> None:
    with recording(fresh) as statements, pytest.raises(Unauthenticated) as refused:
        ask(fresh, header)
    assert refused.value.code == "UNAUTHENTICATED"
    assert statements == []


def test_unknown_token_is_refused(fresh: Database, token: str, key: str) -> None:
    for wrong in (token[:-1] + "!", "cts_" + "A" * 43, "ctk_" + token[4:], "cts_" + key[4:]):
        with pytest.raises(Unauthenticated):
            ask(fresh, bearer(wrong))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sessions SET revoked_at = now()",
        "UPDATE sessions SET expires_at = now()",
        "UPDATE sessions SET seen_at = now() - interval '1 hour'",
        "DELETE FROM users",
    ],
)
def test_session_that_has_ended_is_refused(fresh: Database, token: str, change: str) -> None:
    run_sql(fresh, change)
    with pytest.raises(Unauthenticated):
        ask(fresh, bearer(token))


@pytest.mark.parametrize(
    "change",
    ["UPDATE api_keys SET revoked_at = now()", "UPDATE api_keys SET expires_at = now()"],
)
def test_key_that_is_not_valid_any_more_is_refused(fresh: Database, key: str, change: str) -> None:
    run_sql(fresh, change)
    with pytest.raises(Unauthenticated):
        ask(fresh, bearer(key))


# ---------------------------------------------------------------- what is remembered


def test_token_is_looked_up_once_for_many_requests(fresh: Database, token: str) -> None:
    async def scenario(authenticator: Authenticator) -> set[Viewer]:
        return {await authenticator.viewer(bearer(token), ADDRESS) for _ in range(100)}

    with recording(fresh) as statements:
        viewers = within(fresh, scenario)
    assert len(viewers) == 1
    assert len(statements) == 1


def test_each_address_is_the_requests_own(fresh: Database, token: str) -> None:
    async def scenario(authenticator: Authenticator) -> list[str]:
        addresses = ("192.0.2.1", "192.0.2.2", "192.0.2.1")
        return [(await authenticator.viewer(bearer(token), a)).address for a in addresses]

    assert within(fresh, scenario) == ["192.0.2.1", "192.0.2.2", "192.0.2.1"]


def test_token_is_remembered_for_five_seconds(
    fresh: Database, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("graph.auth.tokens.monotonic", lambda: now)

    async def scenario(authenticator: Authenticator) -> None:
        nonlocal now
        await authenticator.viewer(bearer(token), ADDRESS)
        run_sql(fresh, "UPDATE sessions SET revoked_at = now()")
        now += 4.9
        assert (await authenticator.viewer(bearer(token), ADDRESS)).username == "anna"
        now += 0.2
        with pytest.raises(Unauthenticated):
            await authenticator.viewer(bearer(token), ADDRESS)

    within(fresh, scenario)


def test_token_is_not_remembered_past_its_end(fresh: Database, token: str) -> None:
    run_sql(fresh, "UPDATE sessions SET expires_at = now() + interval '200 ms'")

    async def scenario(authenticator: Authenticator) -> None:
        await authenticator.viewer(bearer(token), ADDRESS)
        await asyncio.sleep(0.25)
        with pytest.raises(Unauthenticated):
            await authenticator.viewer(bearer(token), ADDRESS)

    within(fresh, scenario)


def test_revocation_holds_at_once_in_its_own_process(fresh: Database, key: str) -> None:
    async def scenario(authenticator: Authenticator) -> None:
        await authenticator.viewer(bearer(key), ADDRESS)
        write(fresh, lambda session: revoke_api_key(session, 1))
        fresh.credentials.forget()
        with pytest.raises(Unauthenticated):
            await authenticator.viewer(bearer(key), ADDRESS)

    within(fresh, scenario)


def test_what_was_read_before_a_revocation_is_not_remembered(
    fresh: Database, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(authenticator: Authenticator) -> None:
        find = authenticator._find

        async def find_and_revoke(authorization: bytes, address: str) -> auth.Found:
            found = await find(authorization, address)
            write(fresh, lambda session: end_session(session, hash_of(token)))
            fresh.credentials.forget()
            return found

        monkeypatch.setattr(authenticator, "_find", find_and_revoke)
        await authenticator.viewer(bearer(token), ADDRESS)
        monkeypatch.undo()
        with pytest.raises(Unauthenticated):
            await authenticator.viewer(bearer(token), ADDRESS)

    within(fresh, scenario)


def test_tokens_that_are_not_valid_are_not_remembered(fresh: Database) -> None:
    async def scenario(authenticator: Authenticator) -> int:
        for number in range(20):
            with pytest.raises(Unauthenticated):
                await authenticator.viewer(bearer(f"cts_{number:043}"), ADDRESS)
        return len(authenticator._known)

    assert within(fresh, scenario) == 0


def test_memory_is_bounded(fresh: Database, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "MAX_REMEMBERED", 3)

    async def scenario(authenticator: Authenticator) -> list[str]:
        for number in (1, 2, 3, 1, 4):
            await authenticator.viewer(bearer(token), f"192.0.2.{number}")
        return [address for _, address in authenticator._known]

    assert within(fresh, scenario) == ["192.0.2.3", "192.0.2.1", "192.0.2.4"]


def test_remembered_token_costs_microseconds(fresh: Database, token: str) -> None:
    async def scenario(authenticator: Authenticator) -> float:
        header = bearer(token)
        await authenticator.viewer(header, ADDRESS)
        best = float("inf")
        for _ in range(5):
            started = time.perf_counter()
            for _ in range(1000):
                await authenticator.viewer(header, ADDRESS)
            best = min(best, (time.perf_counter() - started) / 1000)
        return best

    # One on a free machine.
    assert within(fresh, scenario) < bounds.within(10e-6)


# ---------------------------------------------------------------- what is noted


def test_use_of_a_key_is_noted_beside_the_request(fresh: Database, key: str) -> None:
    async def scenario(authenticator: Authenticator) -> None:
        for _ in range(3):
            await authenticator.viewer(bearer(key), ADDRESS)
            authenticator._known.clear()

    with recording(fresh) as statements:
        within(fresh, scenario)
    assert rows(fresh, "SELECT last_used_at IS NOT NULL FROM api_keys") == [(True,)]
    assert len([one for one in statements if one.startswith("UPDATE api_keys")]) == 1


def test_session_in_use_is_renewed_after_five_minutes(fresh: Database, token: str) -> None:
    def seen() -> object:
        return rows(fresh, "SELECT seen_at FROM sessions")

    before = seen()
    ask(fresh, bearer(token))
    assert seen() == before
    run_sql(fresh, "UPDATE sessions SET seen_at = now() - interval '59 minutes'")
    ask(fresh, bearer(token))
    assert rows(fresh, "SELECT now() - seen_at < interval '1 minute' FROM sessions") == [(True,)]


def test_failure_to_record_a_use_does_not_fail_the_request(
    fresh: Database, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    run_sql(fresh, "ALTER TABLE api_keys RENAME COLUMN last_used_at TO away")
    run_sql(fresh, "ALTER TABLE api_keys ADD last_used_at timestamptz GENERATED ALWAYS AS (NULL) STORED")  # fmt: skip
    assert ask(fresh, bearer(key)).api_key == "erp"
    assert "was not noted" in caplog.text
    assert key not in caplog.text


def test_another_role_is_seen_by_another_process_within_five_seconds(
    fresh: Database, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("graph.auth.tokens.monotonic", lambda: now)

    async def scenario(authenticator: Authenticator) -> list[str]:
        nonlocal now
        found = [(await authenticator.viewer(bearer(token), ADDRESS)).role]
        write(fresh, lambda session: account.set_role(session, 1, "auditor"))
        now += 5.1
        return [*found, (await authenticator.viewer(bearer(token), ADDRESS)).role]

    assert within(fresh, scenario) == ["operator", "auditor"]
