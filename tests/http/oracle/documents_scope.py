"""The fields that a selection set has so far, so that added fields can be merged."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Level:
    """The remaining depth of a selection, and the maximum number of rows."""

    depth: int
    rows: int


@dataclass(frozen=True)
class Chosen:
    """A field under its response key: a second selection of the key must be the same."""

    name: str
    arguments: str
    level: Level
    below: Scope


@dataclass(frozen=True)
class Scope:
    """Fields by the type they were selected on and their response key."""

    fields: dict[tuple[str, str], Chosen] = field(default_factory=dict)

    def agrees(self, other: Scope) -> bool:
        """Whether both can stand in one selection set."""
        for key, theirs in other.fields.items():
            ours = self.fields.get(key)
            if ours is None:
                continue
            if (ours.name, ours.arguments) != (theirs.name, theirs.arguments):
                return False
            if not ours.below.agrees(theirs.below):
                return False
        return True

    def absorb(self, other: Scope) -> None:
        """Merge another scope that agrees."""
        for key, theirs in other.fields.items():
            if key not in self.fields:
                self.fields[key] = Chosen(theirs.name, theirs.arguments, theirs.level, Scope())
            self.fields[key].below.absorb(theirs.below)
