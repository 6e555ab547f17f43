"""What was measured beside what it may be, as lines for a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class GateRow:
    """A figure in its unit; `gate` is the most it may be, if anything."""

    what: str
    figure: float
    unit: str
    gate: float | None = None
    note: str = ""

    @property
    def missed(self) -> bool:
        return self.gate is not None and self.figure > self.gate

    def line(self) -> str:
        """Return a line of the report: subject, figure, unit, gate, and whether the gate is met."""
        digits = 0 if self.figure >= 1000 else 2
        gate = "" if self.gate is None else f"at most {self.gate:g}"
        kept = "MISSED" if self.missed else ""
        line = f"  {self.what:<58}{self.figure:>10,.{digits}f} {self.unit:<6}{gate:<13}{kept:<7}"
        return f"{line} {self.note}".rstrip()


def verdict(rows: Sequence[GateRow]) -> str:
    """How many of the gates were kept, and the lines of those that were not."""
    judged = [row for row in rows if row.gate is not None]
    missed = [row.line() for row in judged if row.missed]
    return "\n".join([f"{len(judged) - len(missed)} of {len(judged)} gates are kept", *missed])
