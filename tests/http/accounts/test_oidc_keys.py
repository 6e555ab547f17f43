"""Keys of an identity provider: discovery, rotation and caching."""

import asyncio
import json
import time
from typing import Any

import pytest
from jwt.algorithms import RSAAlgorithm

from graph.auth.issuer import UntrustedToken
from graph.auth.oidc import KeySet
from graph.auth.tokens import Authenticator, Issuer
from graph.errors import Unauthenticated
from models.database.connection_limiter import DatabaseUnavailable
from models.database.engines import Database
from tests.http.accounts.provider import (
    AUDIENCE,
    OTHER_RSA,
    Provider,
    ask,
    claims_of,
    published,
    signed,
)

# ---------------------------------------------------------------- keys come and go


def test_keys_are_fetched_once(sample: Database, provider: Provider) -> None:
    tokens = [signed(claims_of(provider, sub=f"user {n}")) for n in range(5)]
    assert [v.username for v in ask(sample, provider.issuer(), *tokens)] == [
        f"user {n}" for n in range(5)
    ]
    assert provider.asked == ["/keys"]


def test_keys_are_found_by_discovery(sample: Database, provider: Provider) -> None:
    place = "/.well-known/openid-configuration"
    provider.documents[place] = {"issuer": provider.url, "jwks_uri": f"{provider.url}/keys"}
    assert len(ask(sample, provider.issuer(jwks_url=""), signed(claims_of(provider)))) == 1
    assert provider.asked == [place, "/keys"]


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example.com", "jwks_uri": "URL/keys"},
        {"issuer": "URL", "jwks_uri": "http://192.0.2.1/keys"},
        {"issuer": "URL", "jwks_uri": "file:///etc/passwd"},
        {"issuer": "URL"},
        ["issuer"],
        b"{",
    ],
)
def test_configuration_that_is_not_the_issuers_is_not_used(
    sample: Database, provider: Provider, document: Any, caplog: pytest.LogCaptureFixture
) -> None:
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    named = text.replace(b"URL", provider.url.encode())
    provider.documents["/.well-known/openid-configuration"] = named
    with pytest.raises(DatabaseUnavailable):
        ask(sample, provider.issuer(jwks_url=""), signed(claims_of(provider)))
    assert "cannot be fetched" in caplog.text
    assert "/keys" not in provider.asked


def test_new_key_is_fetched_when_it_is_first_used(
    sample: Database, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = signed(claims_of(provider), OTHER_RSA, kid="new")
    now = time.monotonic()
    monkeypatch.setattr("graph.auth.oidc.monotonic", lambda: now)

    async def scenario() -> None:
        nonlocal now
        authenticator = Authenticator(sample, provider.issuer())
        await authenticator.viewer(f"Bearer {signed(claims_of(provider))}".encode(), "")
        provider.keys = [published(RSAAlgorithm, OTHER_RSA, "new")]
        for _ in range(10):
            with pytest.raises(Unauthenticated):
                await authenticator.viewer(f"Bearer {new}".encode(), "")
        # Unknown keys do not make us ask each time.
        assert provider.asked == ["/keys"]
        now += 31
        await authenticator.viewer(f"Bearer {new}".encode(), "")
        assert provider.asked == ["/keys"] * 2

    asyncio.run(scenario())


def test_provider_that_is_away_leaves_the_keys_that_are_known(
    sample: Database, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    monkeypatch.setattr("graph.auth.oidc.monotonic", lambda: now)

    async def scenario() -> None:
        nonlocal now
        keys = KeySet(provider.issuer())
        known = await keys.find("rsa", "RS256")
        provider.keys = None  # type: ignore[assignment]
        now += 601
        assert await keys.find("rsa", "RS256") is known
        with pytest.raises(UntrustedToken):
            await keys.find("other", "RS256")
        assert await keys.find("rsa", "RS256") is known

    asyncio.run(scenario())
    assert provider.asked == ["/keys"] * 2


def test_key_that_was_withdrawn_is_forgotten(
    sample: Database, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    monkeypatch.setattr("graph.auth.oidc.monotonic", lambda: now)

    async def scenario() -> None:
        nonlocal now
        keys = KeySet(provider.issuer())
        await keys.find("rsa", "RS256")
        provider.keys = provider.keys[1:]
        now += 601
        await keys.find("rsa", "RS256")
        for _ in range(200):
            if len(provider.asked) == 2 and not keys._made:
                break
            await asyncio.sleep(0.01)
        with pytest.raises(UntrustedToken):
            await keys.find("rsa", "RS256")

    asyncio.run(scenario())


def test_provider_that_was_never_there_is_a_fault_of_ours(
    sample: Database, provider: Provider
) -> None:
    provider.keys = None  # type: ignore[assignment]
    with pytest.raises(DatabaseUnavailable):
        ask(sample, provider.issuer(), signed(claims_of(provider)))


def test_many_requests_at_once_fetch_the_keys_once(sample: Database, provider: Provider) -> None:
    async def scenario() -> int:
        authenticator = Authenticator(sample, provider.issuer())
        header = f"Bearer {signed(claims_of(provider))}".encode()
        return len(await asyncio.gather(*(authenticator.viewer(header, "") for _ in range(20))))

    assert asyncio.run(scenario()) == 20
    assert provider.asked == ["/keys"]


# ---------------------------------------------------------------- what is remembered


def test_token_is_remembered_for_a_minute_and_not_past_its_end(
    sample: Database, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def remembered(exp: float) -> float:
        authenticator = Authenticator(sample, provider.issuer())
        header = f"Bearer {signed(claims_of(provider, exp=exp))}".encode()
        await authenticator.viewer(header, "")
        found = authenticator._known.get((header, ""))
        return found[0] - time.monotonic() if found else 0

    now = time.time()
    assert 59 < asyncio.run(remembered(now + 3600)) <= 60
    assert 8 < asyncio.run(remembered(int(now + 10))) <= 10
    # Within the leeway it is believed, and verified each time.
    assert asyncio.run(remembered(int(now - 5))) == 0


@pytest.mark.parametrize(
    "url", ["http://idp.example.com", "ftp://idp.example.com", "idp", "https://"]
)
def test_issuer_over_an_open_connection_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is not an https:// address"):
        Issuer(url, AUDIENCE)
    with pytest.raises(ValueError, match="is not an https:// address"):
        Issuer("https://idp.example.com", AUDIENCE, url)


def test_issuer_needs_an_audience() -> None:
    with pytest.raises(ValueError, match="audience"):
        Issuer("https://idp.example.com", "")
