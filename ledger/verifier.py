"""Verify an exported bundle offline: python verifier.py FILE --key PUB.

Needs Python 3.11, `cryptography` and no other file of the project. A bundle without events is never verified.
Exit codes: 0 if verified, 1 if not, 2 if a file or key is unreadable.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "cacaotrace-audit-1"
# C2SP signed-note: the type byte of an Ed25519 key, and the start of a signature line.
ED25519, DASH = b"\x01", "\u2014 "
_SIGNATURE = re.compile(f"{DASH}([^ \n+]+) ([A-Za-z0-9+/]+=*)\n")
_MAX_SAFE = 2**53 - 1
PEM = re.compile(r"-----BEGIN PUBLIC KEY-----\s([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----")
SPKI = bytes.fromhex("302a300506032b6570032100")
P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P


class NotVerified(Exception):
    """The content is not what was signed, or a proof does not prove its claim."""


class Unreadable(Exception):
    """A file or a key cannot be read."""


# ---------------------------------------------------------------- hashes and proofs (RFC 9162, section 2.1)


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root of an inclusion proof (2.1.3.2); raises NotVerified."""
    if not 0 <= index < size:
        raise NotVerified(f"a tree of {size} leaves has no leaf {index}")
    number, last, root = index, size - 1, leaf
    for each in path:
        if last == 0:
            raise NotVerified("the proof is too long")
        if number & 1 or number == last:
            root = node_hash(each, root)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            root = node_hash(root, each)
        number, last = number >> 1, last >> 1
    if last:
        raise NotVerified("the proof is too short")
    return root


def check_consistency(
    first: int, first_root: bytes, second: int, second_root: bytes, path: Sequence[bytes]
) -> None:
    """Check a consistency proof (2.1.4.2); raises NotVerified."""
    if not 0 < first <= second:
        raise NotVerified(f"a tree of {second} leaves cannot begin with one of {first}")
    hashes = [*path] if first & (first - 1) else [first_root, *path]
    if first == second:
        if path or first_root != second_root:
            raise NotVerified("trees of one size must have one root and an empty proof")
        return
    if not hashes:
        raise NotVerified("the proof is too short")
    number, last = first - 1, second - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    old = new = hashes[0]
    for each in hashes[1:]:
        if last == 0:
            raise NotVerified("the proof is too long")
        if number & 1 or number == last:
            old, new = node_hash(each, old), node_hash(each, new)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            new = node_hash(new, each)
        number, last = number >> 1, last >> 1
    if last or old != first_root or new != second_root:
        raise NotVerified(f"the tree of {second} leaves does not begin with that of {first}")


# ---------------------------------------------------------------- canonical JSON (RFC 8785)


def canonical_json(value: Any) -> str:
    """Return the canonical text of a JSON value; raises ValueError if it has none."""
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda item: item[0].encode("utf-16-be"))
        return "{" + ",".join(f"{_string(k)}:{canonical_json(v)}" for k, v in members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical_json, value)) + "]"
    if isinstance(value, str):
        return _string(value)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return ecmascript_number(value)


def _string(value: str) -> str:
    value.encode()
    return json.dumps(value, ensure_ascii=False)


def ecmascript_number(value: float) -> str:
    """Return a number in the notation of ECMAScript (ECMA-262, Number::toString)."""
    if isinstance(value, int):
        if abs(value) <= _MAX_SAFE:
            return str(value)
        value = float(value)
    if value - value != 0:
        raise ValueError("infinity and NaN are not JSON")
    if value == 0:
        return "0"
    shortest = Decimal(repr(abs(value)))
    digits = "".join(map(str, shortest.as_tuple().digits)).strip("0")
    point, sign = shortest.adjusted() + 1, "-" * (value < 0)
    if len(digits) <= point <= 21:
        return sign + digits.ljust(point, "0")
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    return f"{sign}{digits[0]}{'.' * (len(digits) > 1)}{digits[1:]}e{point - 1:+d}"


def read_canonical(text: str, what: str) -> Any:
    """Return the value of a canonical JSON text; raises NotVerified."""
    try:
        value = json.loads(text)
        if canonical_json(value) == text:
            return value
    except (ValueError, OverflowError, RecursionError):
        pass
    raise NotVerified(f"{what} is not canonical JSON (RFC 8785)")


# ---------------------------------------------------------------- signed notes (C2SP)


@dataclass(frozen=True)
class VerifierKey:
    """A public key; `name` is empty if the key was read from PEM, which has none."""

    name: str
    public: bytes

    def id_as(self, name: str) -> bytes:
        """Return the key hash in signatures by this name."""
        return hashlib.sha256(name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        encoded = base64.b64encode(ED25519 + self.public).decode()
        return f"{self.name}+{self.id_as(self.name).hex()}+{encoded}"


def read_key(text: str) -> VerifierKey:
    """Read a key in C2SP or PEM format; raises Unreadable."""
    text = text.strip()
    try:
        if pem := PEM.fullmatch(text):
            encoded = decode_base64("".join(pem[1].split()))
            key, usable = VerifierKey("", encoded[len(SPKI) :]), encoded.startswith(SPKI)
        else:
            name, _, last = text.split("+", 2)
            key = VerifierKey(name, decode_base64(last)[1:])
            usable = str(key) == text and bool(re.fullmatch(r"\S+", name))
        if usable and is_usable_point(key.public):
            return key
    except (ValueError, NotVerified):
        pass
    raise Unreadable("it is not an Ed25519 key: expected NAME+HASH+BASE64, or PEM")


def is_usable_point(public: bytes) -> bool:
    """Whether this is a curve point (RFC 8032, 5.1) that is not of small order."""
    y = int.from_bytes(public, "little") & (1 << 255) - 1
    xx = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    if len(public) != 32 or y >= P or pow(xx, P // 2, P) > 1:
        return False
    for _ in range(3):
        z = D * xx * y * y
        y, xx = (y * y + xx) * pow(1 - z, -1, P) % P, 4 * xx * y * y * pow(1 + z, -2, P) % P
    return y != 1


def decode_base64(encoded: str) -> bytes:
    """Decode base64, of which only the canonical form is accepted; raises NotVerified."""
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise NotVerified("a value is not base64") from None
    if base64.b64encode(decoded).decode() != encoded:
        raise NotVerified("a value is not canonical base64")
    return decoded


def open_note(note: str, key: VerifierKey, what: str) -> str:
    """Return the text of a note with one signature, by this key; raises NotVerified."""
    text, blank, last = note.rpartition("\n\n")
    found = _SIGNATURE.fullmatch(last)
    if not blank or not found:
        raise NotVerified(f"{what} is not a signed note")
    name, signature = found[1], decode_base64(found[2])
    if key.name not in ("", name) or len(signature) != 68 or signature[:4] != key.id_as(name):
        raise NotVerified(f"{what} is signed with another key")
    text += "\n"
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature[4:], text.encode())
    except (InvalidSignature, ValueError):
        raise NotVerified(f"the signature of {what} is wrong") from None
    return text


@dataclass(frozen=True)
class Checkpoint:
    """A tree head (C2SP tlog-checkpoint)."""

    origin: str
    size: int
    root: bytes


def read_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint in the text of a note; raises NotVerified."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not lines[0] or not re.fullmatch("0|[1-9][0-9]*", lines[1]):
        raise NotVerified("the text is not a checkpoint")
    root = decode_base64(lines[2])
    if len(root) != 32:
        raise NotVerified("the root of a checkpoint must have 32 bytes")
    return Checkpoint(lines[0], int(lines[1]), root)


def open_checkpoint(note: str, key: VerifierKey) -> Checkpoint:
    """Return the checkpoint of a signed note; raises NotVerified."""
    checkpoint = read_checkpoint(open_note(note, key, "the checkpoint"))
    if key.name not in ("", checkpoint.origin):
        raise NotVerified(f"the checkpoint is of another log, {checkpoint.origin}")
    return checkpoint


# ---------------------------------------------------------------- bundles


@dataclass(frozen=True)
class _Verified:
    """What was checked."""

    product: int
    events: int
    lots: int
    checkpoint: Checkpoint


def verify_bundle(content: bytes, key: VerifierKey) -> _Verified:
    """Verify a bundle and all its events; raises NotVerified for the first error."""
    try:
        note = content.decode()
    except UnicodeDecodeError:
        raise NotVerified("the bundle is not UTF-8") from None
    bundle = read_canonical(open_note(note, key, "the bundle")[:-1], "the bundle")
    try:
        return _verify(bundle, key)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise NotVerified(f"the bundle is not in the format {FORMAT}: {error}") from None


def _verify(bundle: dict[str, Any], key: VerifierKey) -> _Verified:
    if bundle["format"] != FORMAT:
        raise NotVerified(f"the bundle is in the format {bundle['format']!r}, not {FORMAT}")
    checkpoint = open_checkpoint(bundle["checkpoint"], key)
    product = bundle["product"]["productId"]
    lots = [lot["cacaoBatchId"] for lot in bundle["trace"]["lots"]]
    _verify_trace(bundle["trace"], product, lots)
    subjects = {("productId", product), *(("cacaoBatchId", lot) for lot in lots)}
    seen: set[int] = set()
    for event in bundle["events"]:
        _verify_event(event, checkpoint, subjects)
        if event["transactionId"] in seen:
            raise NotVerified(f"event {event['transactionId']} occurs twice")
        seen.add(event["transactionId"])
    if not seen:
        raise NotVerified("the bundle has no events: nothing was checked")
    return _Verified(product, len(seen), len(lots), checkpoint)


def _verify_event(
    event: dict[str, Any], checkpoint: Checkpoint, subjects: set[tuple[str, int]]
) -> None:
    named = f"event {event['transactionId']} (sequence {event['sequence']})"
    leaf = read_canonical(event["leaf"], named)
    for member in ("transactionId", "sequence", "productId", "cacaoBatchId"):
        if leaf[member] != event[member]:
            raise NotVerified(f"{named}: its leaf has another {member}")
    subject = [(k, leaf[k]) for k in ("productId", "cacaoBatchId") if leaf[k] is not None]
    if len(subject) != 1 or subject[0] not in subjects:
        raise NotVerified(f"{named} is about no product or lot of the trace")
    path = [decode_base64(each) for each in event["hashes"]]
    try:
        hashed = leaf_hash(event["leaf"].encode())
        root = root_from_inclusion(hashed, event["sequence"], checkpoint.size, path)
    except NotVerified as error:
        raise NotVerified(f"{named}: {error}") from None
    if root != checkpoint.root:
        raise NotVerified(f"{named} is not in the log of the checkpoint")


def _verify_trace(trace: dict[str, Any], product: int, lots: list[int]) -> None:
    if len(set(lots)) < len(lots):
        raise NotVerified("the trace lists a lot twice")
    reached: set[int] = set()
    inputs: dict[int, list[int]] = {}
    for flow in trace["flows"]:
        if flow["from"] not in lots or (flow["to"] is None) != (flow["product"] == product):
            raise NotVerified(f"the trace has a flow from an unknown lot, {flow['from']}")
        if flow["to"] is None:
            reached.add(flow["from"])
        elif flow["to"] not in lots:
            raise NotVerified(f"the trace has a flow to an unknown lot, {flow['to']}")
        else:
            inputs.setdefault(flow["to"], []).append(flow["from"])
    pending = [*reached]
    while pending:
        found = set(inputs.get(pending.pop(), ())) - reached
        reached |= found
        pending += found
    if reached != set(lots):
        raise NotVerified("the trace lists lots that do not flow into the product")
    if any(origin["cacaoBatchId"] not in reached for origin in trace["origins"]):
        raise NotVerified("the trace has a share of an unknown lot")


def read_key_argument(argument: str) -> VerifierKey:
    """Read a key, or a file that contains one; raises Unreadable."""
    path = Path(argument)
    try:
        is_key = "+" in argument and not path.exists()
        return read_key(argument if is_key else path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise Unreadable(f"the key {argument} cannot be read: {error}") from None


def exit_code_of(check: Callable[[], str]) -> int:
    """Print the result of a check or its error; return the exit code."""
    try:
        print(check())
    except (NotVerified, Unreadable) as error:
        code, label = (1, "NOT VERIFIED") if isinstance(error, NotVerified) else (2, "error")
        print(f"{label}: {' '.join(str(error).splitlines())}", file=sys.stderr)
        return code
    return 0


def verify_file(file: Path, key: str) -> str:
    """Verify the bundle in a file and describe it; raises NotVerified or Unreadable."""
    opened = read_key_argument(key)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise Unreadable(f"{file} cannot be read: {error.strerror}") from None
    found = verify_bundle(content, opened)
    return (
        f"verified: product {found.product}, {found.events} events, {found.lots} lots, in the log"
        f" {found.checkpoint.origin} of {found.checkpoint.size} events"
    )


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Verify an exported bundle.")
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument(
        "--key", metavar="PUB", required=True, help="verifier key, PEM, or a file with either"
    )
    args = parser.parse_args(argv)
    return exit_code_of(lambda: verify_file(args.file, args.key))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
