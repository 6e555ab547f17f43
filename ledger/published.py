"""The file of signed checkpoints outside of the database: what was once said of the log, kept apart.

A database that was set back, or whose tail was cut off, is known by it. Refuses to change a line of it:
notes are appended, each once, in the order of their sizes.
"""

import fcntl
import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ledger.verifier import Checkpoint, NotVerified, read_checkpoint

# More than a note has bytes.
TAIL = 8_192


class Published:
    """A file of notes with an empty line behind each."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def last(self) -> Checkpoint | None:
        """Return the newest checkpoint; None where there is none. Raises OSError."""
        return _head(self.newest())

    def newest(self) -> str | None:
        """Return the newest note; None where there is none. Raises OSError."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
                found = file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return None
        return _newest(found)

    def notes(self) -> Iterator[str]:
        """All notes in turn; raises OSError."""
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
        """Add those that are newer than the newest; raises OSError."""
        with os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL))
            tail = file.read()
            # What a crash left of a note that was being written.
            torn = len(tail) - (tail.rfind(b"\n\n") + 2 if b"\n\n" in tail else 0)
            whole = _whole(tail[: len(tail) - torn])
            file.truncate(size - (len(tail) - len(whole)))
            file.seek(0, os.SEEK_END)
            last = _head(_newest(whole.decode("utf-8", "replace")))
            newer = [note for note in notes if last is None or head_of(note).size > last.size]
            file.write("".join(f"{note}\n" for note in newer).encode())
            file.flush()
            os.fsync(file.fileno())


def head_of(note: str) -> Checkpoint:
    """Return the tree head of a note, whoever signed it; raises NotVerified."""
    return read_checkpoint(note.partition("\n\n")[0] + "\n")


def _whole(tail: bytes) -> bytes:
    """Without the text of a note whose signature is not there."""
    last = tail[:-2].rpartition(b"\n\n")[2]
    return tail if not last or last.startswith("\u2014".encode()) else tail[: -len(last) - 2]


def _newest(found: str) -> str | None:
    """Return the last note of a text, which a signature ends; what is behind it was cut off."""
    parts = found.split("\n\n")
    for text, signature in reversed([*itertools.pairwise(parts)]):
        if signature.startswith("\u2014"):
            return "{}\n\n{}\n".format(text.lstrip("\n"), signature.rstrip("\n"))
    return None


def _head(note: str | None) -> Checkpoint | None:
    try:
        return None if note is None else head_of(note)
    except NotVerified:
        return None
