"""A bundle verifies with one file and a key alone, and fails with any one bit changed."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.bundle_export import CannotExport, export_bundle, sign_bundle
from ledger import verifier
from ledger.log_config import LogConfig
from ledger.signed_note import UnusableKey, make_key
from ledger.verifier import NotVerified, VerifierKey, read_key, verify_bundle
from tests.bounds import within
from tests.db.ledger.conftest import Kept
from tests.writing import run_sql

Bundle = dict[str, Any]
DATA = Path(__file__).parent / "data"


@pytest.fixture
def bundle(kept: Kept) -> bytes:
    return export_bundle(kept.database, kept.log_config, 1).encode()


def read(content: bytes) -> Bundle:
    found: Bundle = json.loads(content.decode().split("\n\n")[0])
    return found


def run_verifier(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-I", "verifier.py", *arguments],
        cwd=folder,
        env={},
        capture_output=True,
        text=True,
        check=False,
        timeout=within(60),
    )


# ---------------------------------------------------------------- what is in it


def test_bundle_has_the_product_its_trace_and_all_their_events(kept: Kept, bundle: bytes) -> None:
    found = read(bundle)
    assert found["product"]["name"] == "Noir Café 70%"
    assert found["product"]["manufacturer"]["name"] == "Bonnat"
    lots = [(lot["cacaoBatchId"], lot["depth"]) for lot in found["trace"]["lots"]]
    assert lots == [(1, 1), (2, 3), (3, 2), (4, 1)]
    assert found["trace"]["flows"][0] == {
        "from": 1,
        "to": None,
        "product": 1,
        "quantityKg": "50.500",
    }
    shares = {origin["cacaoBatchId"]: origin["share"] for origin in found["trace"]["origins"]}
    assert shares == {1: "0.758333109987", 2: "0.241666890013"}
    assert [c["number"] for c in found["certificates"]] == ["RA-1", "FT-9"]
    expected = kept.rows(
        "SELECT transaction_id FROM transactions WHERE product_id = 1 OR cacao_batch_id IN (1, 2, 3, 4)"
        " ORDER BY 1"
    )
    assert [(event["transactionId"],) for event in found["events"]] == expected
    assert len(expected) == 25


def test_events_that_wait_are_integrated_first(kept: Kept) -> None:
    kept.append(31, 39)
    found = read(export_bundle(kept.database, kept.log_config, 1).encode())
    assert found["events"][-1]["sequence"] == 37
    assert found["checkpoint"].split("\n")[1] == "39"


def test_bundle_verifies(kept: Kept, bundle: bytes) -> None:
    done = verify_bundle(bundle, kept.signer.key)
    assert (done.product, done.events, done.lots, done.checkpoint.size) == (1, 25, 4, 30)
    assert verify_bundle(bundle, VerifierKey("", kept.signer.key.public)) == done


def test_bundle_verifies_in_an_empty_folder(kept: Kept, bundle: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "verifier.py").write_bytes(Path(verifier.__file__).read_bytes())
    (folder / "bundle").write_bytes(bundle)
    key = str(kept.signer.key)
    found = run_verifier(folder, "bundle", "--key", key)
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout == (
        "verified: product 1, 25 events, 4 lots, in the log cacaotrace of 30 events\n"
    )
    (folder / "key").write_text(key)
    assert run_verifier(folder, "bundle", "--key", "key").returncode == 0
    (folder / "bundle").write_bytes(bundle.replace(b"Bonnat", b"Bonnet"))
    found = run_verifier(folder, "bundle", "--key", key)
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr == "NOT VERIFIED: the signature of the bundle is wrong\n"
    for arguments in (("none", "--key", key), ("bundle", "--key", "none")):
        assert run_verifier(folder, *arguments).returncode == 2


def test_bundle_of_an_earlier_version_verifies() -> None:
    """A bundle that was exported before leaves had a version."""
    content = (DATA / "version_1.bundle").read_bytes()
    [event] = read(content)["events"]
    assert "version" not in json.loads(event["leaf"])
    done = verify_bundle(content, read_key((DATA / "version_1.key").read_text("utf-8")))
    assert (done.product, done.events, done.lots, done.checkpoint.size) == (4, 1, 0, 31)


# ---------------------------------------------------------------- one bit of it


def test_no_bit_of_a_bundle_may_change(kept: Kept) -> None:
    """Every bit of the smallest bundle there is."""
    run_sql(kept.database, "INSERT INTO products (name) VALUES ('P')")
    run_sql(kept.database, "INSERT INTO transactions (product_id, event) VALUES (4, 'x')")
    content = bytearray(export_bundle(kept.database, kept.log_config, 4).encode())
    key = kept.signer.key
    verify_bundle(bytes(content), key)
    assert len(content) < 3_000
    for place in range(len(content)):
        for bit in range(8):
            content[place] ^= 1 << bit
            with pytest.raises(NotVerified):
                verify_bundle(bytes(content), key)
            content[place] ^= 1 << bit
    verify_bundle(bytes(content), key)


MADE: dict[str, tuple[bytes, VerifierKey]] = {}


@given(st.data())
@settings(max_examples=300, deadline=None)
def check_random_bits(data: st.DataObject) -> None:
    content, key = MADE["it"]
    flipped = bytearray(content)
    place = data.draw(st.integers(0, len(content) * 8 - 1))
    flipped[place // 8] ^= 1 << place % 8
    with pytest.raises(NotVerified):
        verify_bundle(bytes(flipped), key)


def test_any_single_bit_of_a_larger_bundle_fails(kept: Kept, bundle: bytes) -> None:
    MADE["it"] = bundle, kept.signer.key
    check_random_bits()


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content + b"\n",
        lambda content: content + b" ",
        lambda content: b"\n" + content,
        lambda content: content[:-1],
        lambda content: content.replace(b"\n\n", b"\n\n\n"),
        lambda content: content.replace(b"\n", b"\r\n"),
        lambda content: content + content.split(b"\n\n")[1],
        lambda content: content.replace(b'{"certificates"', b'{ "certificates"'),
        lambda _: b"",
        lambda _: b"\xff",
    ],
)
def test_bundle_with_more_or_less_fails(
    kept: Kept, bundle: bytes, change: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(NotVerified):
        verify_bundle(change(bundle), kept.signer.key)


# ---------------------------------------------------------------- signed, and still wrong


def drop_events(found: Bundle) -> None:
    found["events"] = []


def repeat(found: Bundle) -> None:
    found["events"].append(found["events"][0])


def swap_proofs(found: Bundle) -> None:
    first, second = found["events"][:2]
    first["hashes"], second["hashes"] = second["hashes"], first["hashes"]


def alter_leaf(found: Bundle) -> None:
    found["events"][3]["leaf"] = found["events"][3]["leaf"].replace('"event":"', '"event":"x')


def spread_leaf(found: Bundle) -> None:
    found["events"][3]["leaf"] = found["events"][3]["leaf"].replace(":", ": ", 1)


def claim_other_subject(found: Bundle) -> None:
    found["events"][0]["productId"] = 2


def claim_other_sequence(found: Bundle) -> None:
    found["events"][0]["sequence"] += 1


def add_event_of_another(found: Bundle) -> None:
    found["trace"]["lots"] = [lot for lot in found["trace"]["lots"] if lot["cacaoBatchId"] != 2]
    found["trace"]["flows"] = [f for f in found["trace"]["flows"] if f["from"] != 2]
    found["trace"]["origins"] = []


def rename_product(found: Bundle) -> None:
    found["product"]["productId"] = 2


def add_flow(found: Bundle) -> None:
    found["trace"]["flows"].append({"from": 77, "to": 3, "product": None, "quantityKg": "1.000"})


def cut_flow(found: Bundle) -> None:
    del found["trace"]["flows"][-1]


def other_checkpoint(found: Bundle) -> None:
    found["checkpoint"] = found["checkpoint"].replace("\n30\n", "\n31\n")


def other_form(found: Bundle) -> None:
    found["format"] = "cacaotrace-audit-2"


def no_trace(found: Bundle) -> None:
    del found["trace"]


WRONG: dict[Callable[[Bundle], None], str] = {
    drop_events: "nothing was checked",
    repeat: "event 1 occurs twice",
    swap_proofs: "event 1 (sequence 0) is not in the log",
    alter_leaf: "is not in the log",
    spread_leaf: "not canonical JSON",
    claim_other_subject: "event 1 (sequence 0): its leaf has another productId",
    claim_other_sequence: "its leaf has another sequence",
    add_event_of_another: "is about no product or lot of the trace",
    rename_product: "flow from an unknown lot",
    add_flow: "flow from an unknown lot, 77",
    cut_flow: "do not flow into the product",
    other_checkpoint: "the signature of the checkpoint is wrong",
    other_form: "not cacaotrace-audit-1",
    no_trace: "is not in the format",
}


@pytest.mark.parametrize("change", WRONG, ids=lambda change: change.__name__)
def test_bundle_that_proves_something_else_fails(
    kept: Kept, bundle: bytes, change: Callable[[Bundle], None]
) -> None:
    """The signature is valid, but the contents are inconsistent."""
    found = read(bundle)
    change(found)
    with pytest.raises(NotVerified) as refused:
        verify_bundle(sign_bundle(found, kept.signer).encode(), kept.signer.key)
    assert WRONG[change] in str(refused.value)


def test_bundle_of_another_key_fails(kept: Kept, bundle: bytes, tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    other = LogConfig("cacaotrace", tmp_path / "other").signer()
    assert other is not None
    with pytest.raises(NotVerified, match="another key"):
        verify_bundle(bundle, other.key)
    with pytest.raises(NotVerified, match="another key"):
        verify_bundle(bundle, VerifierKey("another", kept.signer.key.public))


# ---------------------------------------------------------------- what is not exported


def test_no_bundle_of_what_is_not_there_or_cannot_be_signed(kept: Kept) -> None:
    for product in (0, -1, 99, 2**31):
        with pytest.raises(CannotExport, match="does not exist"):
            export_bundle(kept.database, kept.log_config, product)
    with pytest.raises(UnusableKey):
        export_bundle(kept.database, LogConfig(), 1)


def test_tampered_event_is_exported_as_it_was_recorded(kept: Kept) -> None:
    """The export contains the signed leaf, not the altered row."""
    with kept.altering() as cursor:
        cursor.execute("UPDATE transactions SET event = 'sold' WHERE transaction_id = 1")
    content = export_bundle(kept.database, kept.log_config, 1).encode()
    assert json.loads(read(content)["events"][0]["leaf"])["event"] == "shipped"
    verify_bundle(content, kept.signer.key)
    with kept.altering() as cursor:
        cursor.execute("UPDATE transactions SET product_id = 2 WHERE transaction_id = 2")
        cursor.execute("UPDATE transactions SET product_id = 1 WHERE transaction_id = 4")
    with pytest.raises(CannotExport, match=r"does not verify: event 4 .* run `audit verify`"):
        export_bundle(kept.database, kept.log_config, 1)
