"""The configuration of a log: name, key and file of published checkpoints."""

from dataclasses import dataclass
from pathlib import Path

from ledger.signed_note import Signer, read_signer


@dataclass(frozen=True)
class LogConfig:
    """`origin` is the name of the log, `key` the file of its private key.

    Without a key, events become leaves but no checkpoint is signed. `published` is the file to which signed
    checkpoints are appended.
    """

    origin: str = "cacaotrace"
    key: Path | None = None
    published: Path | None = None

    def signer(self) -> Signer | None:
        """Return the signer of checkpoints, if there is a key; raises UnusableKey."""
        return read_signer(self.key, self.origin) if self.key else None
