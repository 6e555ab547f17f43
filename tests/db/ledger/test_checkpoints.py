"""Checkpoints that were altered or signed by another key are detected."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger.signed_note import make_key, read_signer
from tests.db.ledger.conftest import Kept


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "UPDATE ledger_checkpoints SET note = replace(note, '17', '16') WHERE size = 17",
            "is not that of its note",
        ),
        (
            "UPDATE ledger_checkpoints SET note = replace(note, 'time', 'tame') WHERE size = 17",
            "is wrong",
        ),
        (
            "UPDATE ledger_checkpoints SET root_hash = encode(sha256('x'), 'base64') WHERE size = 17",
            "is not that of its note",
        ),
    ],
)
def test_checkpoint_that_was_altered_is_found(kept: Kept, statement: str, told: str) -> None:
    with kept.altering() as cursor:
        cursor.execute(statement)
    assert told in kept.first_bad().describe()


def test_checkpoint_of_another_key_is_found(kept: Kept, tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    other = read_signer(tmp_path / "other", "cacaotrace")
    note = other.checkpoint(17, b"\0" * 32, datetime.now(UTC))
    with kept.altering() as cursor:
        cursor.execute("UPDATE ledger_checkpoints SET note = %s WHERE size = 17", (note,))
    assert "another key" in " ".join(
        finding.describe() for finding in kept.verify_database().findings
    )


def test_nothing_to_check_is_not_verified(kept: Kept) -> None:
    with kept.altering() as cursor:
        cursor.execute("DELETE FROM ledger_checkpoints")
    kept.published.unlink()
    kept.published.touch()
    assert kept.first_bad().describe() == "the ledger has no checkpoint: no event is signed"
    with kept.altering() as cursor:
        cursor.execute("DELETE FROM ledger_entries; DELETE FROM transactions")
    assert "nothing was checked" in kept.first_bad().describe()
