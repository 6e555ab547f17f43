"""The tree heads that a log must be consistent with, read from checkpoints.

Only the text of a note that is signed with a known key counts; columns of the database are never trusted.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ledger.published_checkpoints import PublishedCheckpoints
from ledger.verifier import Checkpoint, NotVerified, Unreadable, VerifierKey, open_checkpoint


@dataclass(frozen=True)
class SignedTreeHead:
    """A checkpoint, its source, and the time of its signature (UTC, to the second)."""

    checkpoint: Checkpoint
    source: str
    time: str


@dataclass(frozen=True)
class LedgerFinding:
    """An error in the ledger.

    `sequence` and `event` are those of the first event concerned, if any.
    """

    message: str
    sequence: int | None = None
    event: int | None = None

    def describe(self) -> str:
        """Return the message with the event that it is about."""
        if self.sequence is None:
            return f"event {self.event}: {self.message}" if self.event else self.message
        event = f"event {self.event} " if self.event else ""
        return f"{event}(leaf {self.sequence}): {self.message}"


def read_tree_heads(
    notes: Iterable[tuple[str, str]], keys: Sequence[VerifierKey], findings: list[LedgerFinding]
) -> list[SignedTreeHead]:
    """Return the tree heads of (source, note) pairs, by size.

    A note that none of the keys signed is a finding.
    """
    tree_heads = []
    for source, note in notes:
        try:
            tree_heads.append(SignedTreeHead(open_with(note, keys), source, time_of(note)))
        except NotVerified as error:
            findings.append(LedgerFinding(f"{source}: {error}"))
    return sorted(tree_heads, key=lambda each: each.checkpoint.size)


def open_with(note: str, keys: Sequence[VerifierKey]) -> Checkpoint:
    """Return the checkpoint of a note signed by one key; raises NotVerified."""
    for key in keys[:-1]:
        try:
            return open_checkpoint(note, key)
        except NotVerified:
            continue
    return open_checkpoint(note, keys[-1])


def time_of(note: str) -> str:
    """Return the time of a note's signature, to the second, as leaves write it.

    It is empty if the note has none.
    """
    return exact_time_of(note).partition(".")[0]


def exact_time_of(note: str) -> str:
    """Return the time of a note's signature, in UTC to the microsecond.

    It is empty if the note has none.
    """
    for line in note.split("\n"):
        if line.startswith("time "):
            try:
                moment = datetime.fromisoformat(line.removeprefix("time ")).astimezone(UTC)
            except (ValueError, OverflowError):
                return ""
            return f"{moment:%Y-%m-%dT%H:%M:%S.%f}"
    return ""


def published_notes(path: Path) -> Iterator[tuple[str, str]]:
    """(source, note) pairs of the file of published checkpoints; raises Unreadable."""
    try:
        for place, note in enumerate(PublishedCheckpoints(path).notes(), 1):
            yield f"checkpoint {place} of {path.name}", note
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}") from None
