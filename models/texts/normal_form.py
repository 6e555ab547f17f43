"""The one form of names and identifiers, whatever way they came in; as normal_text() in schema.sql.

NFC, without invisible characters, with one space between words and none around them. The joiners of Persian,
Sinhala and other scripts that write with them stay behind their letters.
"""

import re
import unicodedata

# Attributes that are names, and those that identify something in a system of the user's.
NAMES = frozenset({"name", "location", "holder", "certification", "scheme", "event"})
IDENTIFIERS = frozenset(
    {"external_id", "lot_number", "batch_number", "number", "event_id", "reference_number"}
)
# The character that a decoder puts in place of bytes that it could not read.
LOST = "\ufffd"
# A B-tree entry holds 2,704 bytes at most; a longer name could be stored, but not indexed.
INDEXED_BYTES = 2600

_PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*")
UNSEEN = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
    "|(?<![\u0600-\u0dff\u1000-\u109f\u1780-\u17ff])[\u200c\u200d]"
)
SPACES = re.compile(
    "[\u0001-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u2800\u3000\u3164\uffa0]+"
)


def normal_text(text: str) -> str:
    """Return the normal form of a name or an identifier; blank where nothing can be seen of it."""
    if _PLAIN.fullmatch(text):
        return text
    return unicodedata.normalize("NFC", SPACES.sub(" ", UNSEEN.sub("", text)).strip(" "))
