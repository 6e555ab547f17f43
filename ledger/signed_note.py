"""Signing with the key of a log (C2SP signed-note and tlog-checkpoint).

The key is Ed25519, in a file that only its owner can use. No output or message contains the private key.
"""

import base64
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from ledger.verifier import DASH, VerifierKey


class UnusableKey(Exception):
    """The file contains no usable private key."""


class Signer:
    """Signs in the name of a log."""

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        self._private = private
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key = VerifierKey(name, public)

    def sign(self, text: str) -> str:
        """Return the signed note of a text, which must end with a line break."""
        signature = self.key.id_as(self.key.name) + self._private.sign(text.encode())
        return f"{text}\n{DASH}{self.key.name} {base64.b64encode(signature).decode()}\n"

    def checkpoint(self, size: int, root: bytes, issued_at: datetime) -> str:
        """Return the signed checkpoint of a tree head, with the time in an extension line."""
        encoded = base64.b64encode(root).decode()
        return self.sign(f"{self.key.name}\n{size}\n{encoded}\ntime {issued_at.isoformat()}\n")


def now() -> datetime:
    """Return the time at which checkpoints are issued; tests replace it."""
    return datetime.now(UTC)


def read_signer(path: Path, name: str) -> Signer:
    """Return the signer with the private key in this PEM file; raises UnusableKey."""
    try:
        private = load_pem_private_key(_read_private(path), None)
    except OSError as error:
        raise UnusableKey(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UnusableKey(f"{path} contains no private key in PEM without a password") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise UnusableKey(f"{path} contains a key that is not Ed25519")
    return Signer(name, private)


def _read_private(path: Path) -> bytes:
    """Return the content of a file that only its owner can use.

    The permissions are checked on the open file. Raises UnusableKey or OSError.
    """
    with path.open("rb") as file:
        if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
            raise UnusableKey(
                f"{path} is open to other users of this machine: chmod 600 {quote(str(path))}"
            )
        return file.read()


def make_key(path: Path) -> bool:
    """Create a private key that only this user can read.

    Returns False if the file exists.
    """
    private = Ed25519PrivateKey.generate()
    content = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    return True
