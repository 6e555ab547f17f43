"""The signed tree heads that a log has to agree with: those of the database, and those published apart.

Refuses to trust a column: only what stands in a note, and is signed with a known key, is a head.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ledger.published import Published
from ledger.verifier import Checkpoint, NotVerified, Unreadable, VerifierKey, open_checkpoint


@dataclass(frozen=True)
class SignedTreeHead:
    """A tree head, where it was found, and when it was signed (UTC, to the second)."""

    checkpoint: Checkpoint
    source: str
    time: str


@dataclass(frozen=True)
class Finding:
    """What is wrong; the sequence and the number of the first event it is about, where there is one."""

    message: str
    sequence: int | None = None
    event: int | None = None

    def described(self) -> str:
        """Return the finding in words, with the event that it is about."""
        if self.sequence is None:
            return f"event {self.event}: {self.message}" if self.event else self.message
        event = f"event {self.event} " if self.event else ""
        return f"{event}(leaf {self.sequence}): {self.message}"


def read_heads(
    notes: Iterable[tuple[str, str]], keys: Sequence[VerifierKey], findings: list[Finding]
) -> list[SignedTreeHead]:
    """Return the heads of notes with their sources, by size; what is no head of these keys is a finding."""
    heads = []
    for source, note in notes:
        try:
            heads.append(SignedTreeHead(open_with(note, keys), source, time_of(note)))
        except NotVerified as error:
            findings.append(Finding(f"{source}: {error}"))
    return sorted(heads, key=lambda head: head.checkpoint.size)


def open_with(note: str, keys: Sequence[VerifierKey]) -> Checkpoint:
    """Return the head of a note that one of these keys signed; raises NotVerified."""
    for key in keys[:-1]:
        try:
            return open_checkpoint(note, key)
        except NotVerified:
            continue
    return open_checkpoint(note, keys[-1])


def time_of(note: str) -> str:
    """When a note was signed, to the second, as leaves write times; empty where it does not say."""
    return exact_time_of(note).partition(".")[0]


def exact_time_of(note: str) -> str:
    """When a note was signed, in UTC to the microsecond; empty where it does not say."""
    for line in note.split("\n"):
        if line.startswith("time "):
            try:
                moment = datetime.fromisoformat(line.removeprefix("time ")).astimezone(UTC)
            except (ValueError, OverflowError):
                return ""
            return f"{moment:%Y-%m-%dT%H:%M:%S.%f}"
    return ""


def published_notes(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the notes of a file, each with where it stands; raises Unreadable."""
    try:
        for place, note in enumerate(Published(path).notes(), 1):
            yield f"checkpoint {place} of {path.name}", note
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}") from None
