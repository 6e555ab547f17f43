"""The root type Mutation: the fields of every module of this package."""

from typing import Any

import strawberry

from graph.discovery import import_modules
from graph.mutations.payload import MUTATION_FIELDS, PAYLOADS

import_modules(__name__)

Mutation: Any = strawberry.type(
    type("Mutation", (*MUTATION_FIELDS,), {}),
    description="Everything that can be written: one operation is one commit.",
)

__all__ = ["PAYLOADS", "Mutation"]
