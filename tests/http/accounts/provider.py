"""An identity provider for tests, and tokens signed by it or by other keys."""

import asyncio
import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from graph.auth.tokens import Authenticator, Issuer
from graph.context import Viewer
from models.database.engines import Database

AUDIENCE = "https://api.example.com"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
WEAK_RSA = rsa.generate_private_key(public_exponent=65537, key_size=1024)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()


@dataclass(frozen=True)
class Soon:
    """A number of seconds after the creation of the token."""

    seconds: int


def published(algorithm: Any, private: Any, kid: str, **more: Any) -> dict[str, Any]:
    """Return the public key as a JWK."""
    return {**json.loads(algorithm.to_jwk(private.public_key())), "kid": kid, **more}


@dataclass
class Provider:
    """An identity provider: the documents it publishes, and the paths it has served."""

    url: str = ""
    keys: list[dict[str, Any]] = field(default_factory=list)
    documents: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def issuer(self, **more: Any) -> Issuer:
        given = {"jwks_url": f"{self.url}/keys", **more}
        return Issuer(self.url, AUDIENCE, **given)

    def answer(self, path: str) -> Any:
        self.asked.append(path)
        return {"keys": self.keys} if path == "/keys" else self.documents.get(path)


@contextmanager
def providing() -> Iterator[Provider]:
    """Provide a provider that publishes an RSA, an EC and an Ed25519 key."""
    found = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            document = found.answer(self.path)
            content = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(404 if document is None else 200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}"
        found.keys = [
            published(RSAAlgorithm, RSA, "rsa", use="sig"),
            published(ECAlgorithm, EC, "ec", alg="ES256"),
            published(OKPAlgorithm, ED, "ed"),
        ]
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def claims_of(provider: Provider, **more: Any) -> dict[str, Any]:
    claims = {
        "iss": provider.url,
        "aud": AUDIENCE,
        "sub": "anna@example.com",
        "exp": int(time.time()) + 3600,
        "role": "operator",
        **more,
    }
    now = int(time.time())
    return {
        name: now + value.seconds if isinstance(value, Soon) else value
        for name, value in claims.items()
        if value is not ...
    }


def signed(claims: dict[str, Any], key: Any = RSA, algorithm: str = "RS256", **header: Any) -> str:
    headers = {"kid": "rsa", **header}
    shown = {name: value for name, value in headers.items() if value is not None}
    return jwt.encode(claims, key, algorithm, headers=shown)


def ask(database: Database, issuer: Issuer, *tokens: str) -> list[Viewer]:
    """Return the viewer that one process finds for each of these tokens, in order."""

    async def run() -> list[Viewer]:
        authenticator = Authenticator(database, issuer)
        headers = [f"Bearer {token}".encode() for token in tokens]
        return [await authenticator.viewer(header, "192.0.2.1") for header in headers]

    return asyncio.run(run())


def encode(part: Any) -> str:
    text = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()
