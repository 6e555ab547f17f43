"""Signed notes: the examples of C2SP signed-note and of golang.org/x/mod/sumdb/note."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ledger.signed_note import Signer
from ledger.verifier import NotVerified, Unreadable, open_note, read_key

PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
SIGNATURE = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
EXAMPLE = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)


def test_published_notes_verify() -> None:
    assert open_note(EXAMPLE_NOTE, read_key(EXAMPLE), "it") == "This is an example message.\n"
    assert open_note(f"{TEXT}\n{SIGNATURE}", read_key(PETER), "it") == TEXT


def test_signature_is_the_published_one() -> None:
    signer = Signer("PeterNeumann", Ed25519PrivateKey.from_private_bytes(SEED))
    assert str(signer.key) == PETER
    assert signer.sign(TEXT) == f"{TEXT}\n{SIGNATURE}"


def test_key_is_also_read_from_pem() -> None:
    private = Ed25519PrivateKey.from_private_bytes(SEED)
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    key = read_key(pem.decode())
    assert (key.name, key.public) == ("", read_key(PETER).public)
    assert open_note(f"{TEXT}\n{SIGNATURE}", key, "it") == TEXT


@pytest.mark.parametrize("start", range(len(PETER)))
def test_part_of_a_key_is_no_key(start: int) -> None:
    for text in {PETER[start + 1 :], PETER[:start], PETER[:start] + "!" + PETER[start + 1 :]}:
        with pytest.raises(Unreadable):
            read_key(text)


@pytest.mark.parametrize(
    "note",
    [
        *("", "\n\n", TEXT, f"{TEXT}{SIGNATURE}", f"{TEXT}\n{SIGNATURE}\n", f"{TEXT}\n{SIGNATURE[:-1]}"),
        *(f"{TEXT}\n{SIGNATURE}{SIGNATURE}", f"{TEXT}\n{SIGNATURE.replace('—', '-')}"),
        *(f"{TEXT}\n{SIGNATURE.replace('AM=', 'AN=')}", f"{TEXT}\n{SIGNATURE.replace('AM=', 'AM==')}"),
        *(f"{TEXT.replace('you', 'You')}\n{SIGNATURE}", f"{TEXT}\n{SIGNATURE.replace('Neu', 'Nen')}"),
        *(EXAMPLE_NOTE, f"{TEXT}\n{SIGNATURE.replace('x08g', 'x08h')}"),
    ],
)  # fmt: skip
def test_other_notes_do_not_verify(note: str) -> None:
    with pytest.raises(NotVerified):
        open_note(note, read_key(PETER), "it")
