"""Tokens of an identity provider: valid ones, and forgeries."""

import asyncio
import hashlib
import hmac
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

from graph.auth.tokens import Authenticator
from graph.errors import Unauthenticated
from models.database.engines import Database
from tests.http.accounts.provider import (
    AUDIENCE,
    EC,
    ED,
    OTHER_RSA,
    RSA,
    WEAK_RSA,
    Provider,
    Soon,
    ask,
    claims_of,
    encode,
    published,
    signed,
)

# ---------------------------------------------------------------- whose are believed


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [(RSA, "RS256", "rsa"), (RSA, "PS256", "rsa"), (EC, "ES256", "ec"), (ED, "EdDSA", "ed")],
)
def test_token_of_the_issuer_is_believed(
    sample: Database, provider: Provider, key: Any, algorithm: str, kid: str
) -> None:
    claims = claims_of(provider)
    [viewer] = ask(sample, provider.issuer(), signed(claims, key, algorithm, kid=kid))
    assert viewer.expires_at is not None
    assert viewer.expires_at.timestamp() == claims["exp"]
    assert (viewer.role, viewer.actor, viewer.username) == (
        "operator",
        "oidc:anna@example.com",
        "anna@example.com",
    )
    assert (viewer.session, viewer.user_id, viewer.api_key) == (None, None, None)
    assert viewer.address == "192.0.2.1"


@pytest.mark.parametrize(
    "claim",
    [
        {"aud": ["other", AUDIENCE]},
        {"exp": Soon(-5)},
        {"nbf": Soon(20)},
        {"iat": Soon(20)},
    ],
)
def test_claims_within_the_leeway_are_believed(
    sample: Database, provider: Provider, claim: dict[str, Any]
) -> None:
    assert len(ask(sample, provider.issuer(), signed(claims_of(provider, **claim)))) == 1


@pytest.mark.parametrize(
    ("claim", "role"),
    [
        ({"role": "viewer"}, "viewer"),
        ({"role": ["viewer", "admin", "operator"]}, "admin"),
        ({"role": ["unknown", "viewer", 7, None]}, "viewer"),
        ({"role": ["operator", "auditor"]}, "auditor"),
    ],
)
def test_highest_known_role_wins(
    sample: Database, provider: Provider, claim: dict[str, Any], role: str
) -> None:
    assert ask(sample, provider.issuer(), signed(claims_of(provider, **claim)))[0].role == role


@pytest.mark.parametrize(
    ("name", "claim"),
    [
        ("realm_access.roles", {"realm_access": {"roles": ["auditor"]}}),
        ("https://example.com/roles", {"https://example.com/roles": "auditor"}),
    ],
)
def test_role_is_read_from_the_claim_that_is_configured(
    sample: Database, provider: Provider, name: str, claim: dict[str, Any]
) -> None:
    token = signed(claims_of(provider, role="admin", **claim))
    assert ask(sample, provider.issuer(role_claim=name), token)[0].role == "auditor"


# ---------------------------------------------------------------- what is not believed


@pytest.mark.parametrize(
    "claim",
    [
        {"aud": "other"},
        {"aud": []},
        {"aud": ...},
        {"iss": "https://evil.example.com"},
        {"iss": ...},
        {"exp": Soon(-40)},
        {"exp": ...},
        {"exp": "soon"},
        {"exp": 1e400},
        {"nbf": Soon(60)},
        {"iat": Soon(60)},
        {"sub": ...},
        {"sub": ""},
        {"sub": "a\x00b"},
        {"sub": "x" * 201},
        {"role": ...},
        {"role": "root"},
        {"role": "public"},
        {"role": []},
        {"role": {"admin": True}},
        {"role": "administrator"},
    ],
    ids=str,
)
def test_token_with_a_wrong_claim_is_refused(
    sample: Database, provider: Provider, claim: dict[str, Any]
) -> None:
    with pytest.raises(Unauthenticated):
        ask(sample, provider.issuer(), signed(claims_of(provider, **claim)))


def test_token_without_a_signature_is_refused(sample: Database, provider: Provider) -> None:
    for algorithm in ("none", "None", "NONE", "nOnE"):
        head = encode({"alg": algorithm, "kid": "rsa"})
        for signature in ("", "AAAA"):
            token = f"{head}.{encode(claims_of(provider))}.{signature}"
            with pytest.raises(Unauthenticated):
                ask(sample, provider.issuer(), token)
    assert provider.asked == []


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_public_key_is_no_secret_to_sign_with(
    sample: Database, provider: Provider, algorithm: str
) -> None:
    public = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    body = f"{encode({'alg': algorithm, 'kid': 'rsa'})}.{encode(claims_of(provider))}"
    digest = getattr(hashlib, f"sha{algorithm[2:]}")
    token = f"{body}.{encode(hmac.new(public, body.encode(), digest).digest())}"
    with pytest.raises(Unauthenticated):
        ask(sample, provider.issuer(), token)


def test_symmetric_key_that_the_issuer_publishes_is_not_used(
    sample: Database, provider: Provider
) -> None:
    provider.keys.append({"kty": "oct", "k": encode(b"x" * 32), "kid": "oct", "alg": "HS256"})
    body = f"{encode({'alg': 'HS256', 'kid': 'oct'})}.{encode(claims_of(provider))}"
    signature = encode(hmac.new(b"x" * 32, body.encode(), hashlib.sha256).digest())
    with pytest.raises(Unauthenticated):
        ask(sample, provider.issuer(), f"{body}.{signature}")


@pytest.mark.parametrize(
    ("key", "algorithm", "header"),
    [
        (OTHER_RSA, "RS256", {}),
        (OTHER_RSA, "RS256", {"kid": "nobody"}),
        (OTHER_RSA, "RS256", {"kid": None}),
        (OTHER_RSA, "RS256", {"jwk": published(RSAAlgorithm, OTHER_RSA, "rsa")}),
        (OTHER_RSA, "RS256", {"kid": "ec"}),
        (RSA, "RS256", {"kid": "ec"}),
        (RSA, "RS256", {"kid": "../../keys"}),
        (RSA, "RS512", {}),
        (EC, "ES256", {"kid": "rsa"}),
        (EC, "ES256", {"kid": "ed"}),
        (RSA, "RS256", {"crit": ["exp"]}),
    ],
)
def test_token_of_another_key_is_refused(
    sample: Database, provider: Provider, key: Any, algorithm: str, header: dict[str, Any]
) -> None:
    with pytest.raises(Unauthenticated):
        ask(sample, provider.issuer(), signed(claims_of(provider), key, algorithm, **header))
    assert [path for path in provider.asked if path != "/keys"] == []


def test_key_for_encryption_is_not_used(sample: Database, provider: Provider) -> None:
    provider.keys = [published(RSAAlgorithm, RSA, "rsa", use="enc"), provider.keys[1]]
    with pytest.raises(Unauthenticated):
        ask(sample, provider.issuer(), signed(claims_of(provider)))


def test_key_for_another_algorithm_is_not_used(sample: Database, provider: Provider) -> None:
    provider.keys = [published(RSAAlgorithm, RSA, "rsa", alg="PS256")]
    with pytest.raises(Unauthenticated):
        ask(sample, provider.issuer(), signed(claims_of(provider)))


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_weak_key_is_not_used(sample: Database, provider: Provider) -> None:
    provider.keys = [published(RSAAlgorithm, WEAK_RSA, "rsa")]
    token = signed(claims_of(provider), WEAK_RSA)
    with pytest.raises(Unauthenticated):
        ask(sample, provider.issuer(), token)


@pytest.mark.parametrize(
    "token",
    [
        "a.b.c",
        "..",
        "e30.e30.",
        f"{encode([])}.e30.AA",
        f"{encode({'alg': 7})}.e30.AA",
        f"{encode({'alg': ['RS256']})}.e30.AA",
        f"{encode({'alg': 'RS256', 'kid': 7})}.e30.AA",
        f"{encode({'alg': 'RS256', 'kid': 'rsa'})}.{encode(b'[' * 3000)}.AA",
        f"{encode(b'[' * 3000)}.e30.AA",
        f"{encode({'alg': 'RS256', 'kid': 'rsa'})}.{encode(b'1')}.AA",
        f"{encode(b'nothing')}.{encode(bytes([255]))}.AA",
    ],
)
def test_malformed_token_is_refused(sample: Database, provider: Provider, token: str) -> None:
    with pytest.raises(Unauthenticated):
        ask(sample, provider.issuer(), token)


def test_long_token_is_refused_before_it_is_read(sample: Database, provider: Provider) -> None:
    token = signed(claims_of(provider, padding="x" * 9000))
    with pytest.raises(Unauthenticated):
        ask(sample, provider.issuer(), token)
    assert provider.asked == []


def test_tampered_token_is_refused(sample: Database, provider: Provider) -> None:
    head, _, signature = signed(claims_of(provider)).split(".")
    forged = f"{head}.{encode(claims_of(provider, role='admin'))}.{signature}"
    with pytest.raises(Unauthenticated):
        ask(sample, provider.issuer(), forged)


def test_no_token_of_anybody_is_believed_without_an_issuer(
    sample: Database, provider: Provider
) -> None:
    with pytest.raises(Unauthenticated):
        asyncio.run(
            Authenticator(sample).viewer(f"Bearer {signed(claims_of(provider))}".encode(), "")
        )


def test_reason_is_logged_without_the_token(
    sample: Database, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    token = signed(claims_of(provider, aud="other"))
    with pytest.raises(Unauthenticated):
        ask(sample, provider.issuer(), token)
    assert "Audience doesn't match" in caplog.text
    assert token.split(".")[2] not in caplog.text
