"""What a resolver knows of the request around it: who asks, and how to read and write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from strawberry.types.info import Info as StrawberryInfo

if TYPE_CHECKING:
    from graph.mutations.work import Work


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks. Roles and sign-in decide more, later; until then only whether writes are on."""

    role: str
    may_write: bool


@dataclass(slots=True)
class Context:
    """One operation's context; `work` is there in a mutation, where it is one transaction."""

    viewer: Viewer
    work: Work | None = None


Info = StrawberryInfo[Context, None]
