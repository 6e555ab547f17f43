"""The file of published checkpoints, outside of the database.

It reveals a database that was restored to an older state or whose last leaves were deleted. Notes are
appended once each, in the order of their sizes; written lines never change.
"""

import fcntl
import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ledger.verifier import Checkpoint, NotVerified, read_checkpoint

# More bytes than a note has.
_TAIL_BYTES = 8_192


class PublishedCheckpoints:
    """A file of notes, each followed by an empty line."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def last(self) -> Checkpoint | None:
        """Return the newest checkpoint, if there is one; raises OSError."""
        return _checkpoint(self.newest())

    def newest(self) -> str | None:
        """Return the newest note, if there is one; raises OSError."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
                found = file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return None
        return _newest(found)

    def notes(self) -> Iterator[str]:
        """All notes, oldest first; raises OSError."""
        with self.path.open(encoding="utf-8", errors="replace", newline="") as file:
            note, blanks = "", 0
            for line in file:
                note += line
                blanks += line == "\n"
                if blanks == 2:
                    yield note[:-1]
                    note, blanks = "", 0
            if note.strip():
                yield note

    def append(self, notes: Sequence[str]) -> None:
        """Append the notes that are newer than the newest in the file; raises OSError."""
        with os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            tail = file.read()
            # Bytes of a note whose writing was interrupted by a crash.
            torn = len(tail) - (tail.rfind(b"\n\n") + 2 if b"\n\n" in tail else 0)
            whole = _whole(tail[: len(tail) - torn])
            file.truncate(size - (len(tail) - len(whole)))
            file.seek(0, os.SEEK_END)
            last = _checkpoint(_newest(whole.decode("utf-8", "replace")))
            newer = [note for note in notes if last is None or checkpoint_of(note).size > last.size]
            file.write("".join(f"{note}\n" for note in newer).encode())
            file.flush()
            os.fsync(file.fileno())


def checkpoint_of(note: str) -> Checkpoint:
    """Return the checkpoint of a note, unverified; raises NotVerified."""
    return read_checkpoint(note.partition("\n\n")[0] + "\n")


def _whole(tail: bytes) -> bytes:
    """Without a last note that lacks its signature."""
    last = tail[:-2].rpartition(b"\n\n")[2]
    return tail if not last or last.startswith("\u2014".encode()) else tail[: -len(last) - 2]


def _newest(found: str) -> str | None:
    """Return the last complete note of a text; an incomplete one after it is ignored."""
    parts = found.split("\n\n")
    for text, signature in reversed([*itertools.pairwise(parts)]):
        if signature.startswith("\u2014"):
            return "{}\n\n{}\n".format(text.lstrip("\n"), signature.rstrip("\n"))
    return None


def _checkpoint(note: str | None) -> Checkpoint | None:
    try:
        return None if note is None else checkpoint_of(note)
    except NotVerified:
        return None
