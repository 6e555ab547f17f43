"""Invalid values of `--key` end with one line and exit code 2."""

import base64
import hashlib
import random
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from ledger.verifier import ED25519, Unreadable, is_usable_point, main, read_key
from tests.unit.ledger.test_note import EXAMPLE, EXAMPLE_NOTE, PETER

P = 2**255 - 19


def verifier_key(public: bytes, name: str = "log", kind: bytes = ED25519) -> str:
    """Return a key that is right but for what is given."""
    hashed = hashlib.sha256(name.encode() + b"\n" + kind + public).hexdigest()[:8]
    return f"{name}+{hashed}+{base64.b64encode(kind + public).decode()}"


def pem(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed448.Ed448PrivateKey | x25519.X25519PrivateKey) -> str:  # fmt: skip
    public = private.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def armored(content: bytes, label: str = "PUBLIC KEY") -> str:
    encoded = base64.b64encode(content).decode()
    return f"-----BEGIN {label}-----\n{encoded}\n-----END {label}-----\n"


GOOD = read_key(PETER).public
SPKI = bytes.fromhex("302a300506032b6570032100")
# A key on the curve 1.2, which is none.
UNKNOWN_CURVE = bytes.fromhex("3018300c06072a8648ce3d020106012a03080004000000000000")
NO_POINT = next(
    made for n in range(2, 99) if not is_usable_point(made := n.to_bytes(32, "little"))
)  # fmt: skip
BAD = {
    "empty": "",
    "blank": " \n",
    "plus signs": "+++",
    "no parts": "nonsense",
    "unicode": "log+ключ+\u2603",
    "full-width": PETER.translate({ord("A"): "\uff21"}),
    "surrogate": "log\udcff+00000000+AAAA",
    "no name": verifier_key(GOOD, ""),
    "name with a blank": verifier_key(GOOD, "my log"),
    "name with a line": verifier_key(GOOD, "my\nlog"),
    "another name": PETER.replace("Peter", "Petra"),
    "another hash": PETER.replace("c74f20a3", "c74f20a4"),
    "upper-case hash": PETER.replace("c74f20a3", "C74F20A3"),
    "another type": verifier_key(GOOD, kind=b"\x02"),
    "short": verifier_key(GOOD[:31]),
    "long": verifier_key(GOOD + b"\0"),
    "no bytes": verifier_key(b""),
    "no base64": "log+00000000+!!!!",
    "no point": verifier_key(NO_POINT),
    "beyond the prime": verifier_key((P + 3).to_bytes(32, "little")),
    "zero": verifier_key(bytes(32)),
    "one": verifier_key((1).to_bytes(32, "little")),
    "minus one": verifier_key((P - 1).to_bytes(32, "little")),
    "RSA": pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
    "P-256": pem(ec.generate_private_key(ec.SECP256R1())),
    "secp256k1": pem(ec.generate_private_key(ec.SECP256K1())),
    "Ed448": pem(ed448.Ed448PrivateKey.generate()),
    "X25519": pem(x25519.X25519PrivateKey.generate()),
    "unknown curve": armored(UNKNOWN_CURVE),
    "PEM of no point": armored(SPKI + NO_POINT),
    "PEM of a raw key": armored(GOOD),
    "PEM of nothing": armored(b""),
    "PEM cut off": armored(SPKI + GOOD)[:60],
    "PEM and more": armored(SPKI + GOOD + b"\0"),
    "two PEMs": armored(SPKI + GOOD) * 2,
    "certificate": armored(SPKI + GOOD, "CERTIFICATE"),
    "private": ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
}  # fmt: skip


@pytest.mark.parametrize("given", BAD.values(), ids=BAD.keys())
def test_what_is_no_key_is_one_line(
    given: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, file = tmp_path / "bundle", tmp_path / "key"
    bundle.write_text(EXAMPLE_NOTE, "utf-8")
    file.write_bytes(given.encode("utf-8", "surrogateescape"))
    for key in (given, str(file)):
        assert main([str(bundle), f"--key={key}"]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("error: ")
        assert err.count("\n") == 1
    with pytest.raises(Unreadable):
        read_key(given)


def test_other_files_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {
        "binary": b"\xff\0\xfe",
        "empty": b"",
        "note": EXAMPLE_NOTE.encode(),
        "deep": b"[" * 99_999,
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        assert main([str(tmp_path / name), "--key", EXAMPLE]) == 1
        out, err = capsys.readouterr()
        assert (out, err.startswith("NOT VERIFIED: "), err.count("\n")) == ("", True, 1)
    for file, key in ((tmp_path, EXAMPLE), ("none", EXAMPLE), ("x" * 999, EXAMPLE), ("none", "x" * 9999), (tmp_path / "note", str(tmp_path)), (tmp_path / "note", str(tmp_path / "binary"))):  # fmt: skip
        assert main([str(file), "--key", key]) == 2
        out, err = capsys.readouterr()
        assert (out, err.startswith("error: "), err.count("\n")) == ("", True, 1)


def test_random_keys_are_refused_or_points() -> None:
    rng = random.Random(30)
    for _ in range(300):
        public = rng.randbytes(32)
        try:
            assert read_key(verifier_key(public)).public == public
            usable = True
        except Unreadable:
            usable = False
        assert usable is is_usable_point(public)
        encoded = base64.b64encode(rng.randbytes(rng.randrange(60))).decode()
        for text in (encoded, f"log+00000000+{encoded}", armored(rng.randbytes(rng.randrange(60)))):
            with pytest.raises(Unreadable):
                read_key(text)


def test_keys_that_are_made_are_read() -> None:
    for _ in range(100):
        private = ed25519.Ed25519PrivateKey.generate()
        raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        text = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        assert read_key(verifier_key(raw)).public == raw
        for given in (text, text.replace(b"\n", b"\r\n"), b"\n" + text + b"\n"):
            assert read_key(given.decode()).public == raw


# RFC 8032 and "Taming the many EdDSAs": the points of small order, for which anybody can sign.
@pytest.mark.parametrize(
    "public",
    [
        *("00" * 32, "01" + "00" * 31, "ec" + "ff" * 30 + "7f", "00" * 31 + "80"),
        *("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",),
        *("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",),
    ],
)
def test_key_that_anybody_could_sign_for_is_refused(public: str) -> None:
    assert not is_usable_point(bytes.fromhex(public))
    with pytest.raises(Unreadable):
        read_key(verifier_key(bytes.fromhex(public)))
