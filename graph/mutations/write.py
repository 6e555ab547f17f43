"""Runs one mutation field inside a transaction: savepoint, idempotency key, write, payload."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from graphql import GraphQLResolveInfo
from graphql.execution.values import VariableValues
from sqlalchemy.orm import Session
from strawberry.utils.str_converters import to_camel_case

from graph.mutations.check import check_input, provided_fields
from graph.mutations.input import shown_name
from graph.mutations.payload import Outcome, UserError, UserErrorCode
from graph.planner.build import Builder
from graph.planner.reader import Reader
from models.errors import DomainError, InvalidAttribute
from models.exact_json import dumps
from models.idempotency import claim_key, keep_objects

Written: TypeAlias = dict[str, int]
"""What a mutation wrote: the primary key by payload field, in Python's spelling."""
Write: TypeAlias = Callable[[Session, Any], Written]
"""Writes an input; raises DomainError for an input that cannot be written."""


class FieldWriter:
    """Runs the fields of one operation, each in a savepoint."""

    def __init__(
        self, builder: Builder, reader: Reader, variables: VariableValues, key_hours: int
    ) -> None:
        self._builder = builder
        self._reader = reader
        self._variables = variables
        self._key_hours = key_hours

    def run(
        self, session: Session, info: GraphQLResolveInfo[Any], write: Write, input: Any
    ) -> Outcome:
        """Write an input and read the payload; an error rolls back to the savepoint.

        Raises DomainError for an input that breaks a rule, and DBAPIError.
        """
        with session.begin_nested():
            check_input(input)
            keys = self._write_once(session, info.field_name, write, input)
            session.flush()
            return Outcome(self._read(session, info, keys), [])

    def _write_once(self, session: Session, mutation: str, write: Write, input: Any) -> Written:
        """Write, unless the actor has written under this idempotency key; then return those keys."""
        # An input with a secret has no idempotency key: nothing of a secret is stored.
        key = getattr(input, "idempotency_key", None)
        if key is None:
            return write(session, input)
        if not key.strip():
            raise InvalidAttribute("It must not be blank.", "idempotency_key")
        digest = hashlib.sha256(canonical_input(input).encode()).digest()
        earlier = claim_key(session, key, mutation, digest, self._key_hours)
        if earlier is not None:
            return earlier
        written = write(session, input)
        keep_objects(session, key, written)
        return written

    def _read(
        self, session: Session, info: GraphQLResolveInfo[Any], keys: Written
    ) -> dict[str, Any]:
        plan = self._builder.plan_payload(info, self._variables, _by_graphql_name(keys))
        return self._reader.read_within(session, plan) if plan else {}


def failed(error: DomainError, input: Any) -> Outcome:
    """Return the outcome of a mutation that raised a domain error for this input."""
    field = None
    if error.attribute:
        field = ["input", to_camel_case(shown_name(input, error.attribute))]
    return Outcome({}, [UserError(field=field, message=str(error), code=UserErrorCode[error.code])])


def canonical_input(input: Any) -> str:
    """Return a text that is equal for equal inputs."""
    return dumps(provided_fields(input), sort_keys=True, default=str)


def _by_graphql_name(keys: Mapping[str, int]) -> dict[str, int]:
    return {to_camel_case(name): key for name, key in keys.items()}
