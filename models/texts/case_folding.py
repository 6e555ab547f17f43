"""Print the table of case folding that schema.sql carries, made of Python's Unicode database.

    python -m models.texts.case_folding

A row is (first, last, step, distance): each `step`-th code point from `first` to `last` folds to the one that is
`distance` further. It is Unicode's simple case folding (CaseFolding.txt, status C and S; the one of Turkish, status T,
is left out) of the code points that NFKC leaves as they are, ASCII apart. Python 3.11 has Unicode 14.0.
"""

import sys
import unicodedata
from collections.abc import Iterator

UNICODE_VERSION = "14.0.0"
PER_LINE = 5

Run = tuple[int, int, int, int]


def simple_fold(letter: str) -> str:
    """Return the one letter that a letter folds to; itself where it has none."""
    folded = letter.casefold()
    if len(folded) > 1:
        folded = letter.lower()
    return folded if len(folded) == 1 else letter


def distances() -> Iterator[tuple[int, int]]:
    """Code points above ASCII that fold to another, with the distance to that."""
    for code in range(0x80, sys.maxunicode + 1):
        letter = chr(code)
        folded = simple_fold(letter)
        if folded != letter and unicodedata.is_normalized("NFKC", letter):
            yield code, ord(folded) - code


def runs() -> list[Run]:
    """Return the distances as runs of one step, which is 1 or 2."""
    found: list[Run] = []
    for code, distance in distances():
        if found:
            first, last, step, same = found[-1]
            gap = code - last
            if same == distance and gap in ((1, 2) if first == last else (step,)):
                found[-1] = (first, code, gap, distance)
                continue
        found.append((code, code, 1, distance))
    return found


def folding_table() -> str:
    """Return the rows of VALUES, as in schema/01_texts.sql."""
    rows = [f"({first}, {last}, {step}, {by})" for first, last, step, by in runs()]
    lines = [", ".join(rows[at : at + PER_LINE]) for at in range(0, len(rows), PER_LINE)]
    return ",\n".join(f"    {line}" for line in lines)


if __name__ == "__main__":
    if unicodedata.unidata_version != UNICODE_VERSION:
        sys.exit(
            f"error: this Python has Unicode {unicodedata.unidata_version}, not {UNICODE_VERSION}"
        )
    print(folding_table())
