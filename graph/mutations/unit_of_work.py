"""One mutation operation as one transaction: each field in its own savepoint, one commit at the end.

A field that fails leaves nothing behind, and nothing of the operation is committed then. The objects
of a payload are read by the planner inside the transaction, before the commit.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import fields, is_dataclass
from threading import Lock
from typing import Annotated, Any

import strawberry
from graphql import GraphQLError, GraphQLResolveInfo
from graphql.execution.values import VariableValues
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from strawberry.utils.str_converters import to_camel_case

from graph.admission.controller import WritePlace
from graph.auth.permissions import FIELD_ROLES
from graph.auth.roles import Roles
from graph.context import Info
from graph.errors import InvalidValue, RateLimited, RolledBack, is_unavailable, refuse
from graph.mutations.payload import Outcome, UserError
from graph.planner.arguments import check_text
from graph.planner.build import Builder
from graph.planner.reader import Reader
from models.database.connection_limiter import DatabaseUnavailable
from models.database.engines import Database
from models.errors import (
    Conflict,
    DomainError,
    InvalidAttribute,
    violation_of,
)
from models.exact_json import MAX_DIGITS, dumps, is_too_long
from models.idempotency import claim_key, keep_objects

# What a mutation wrote: payload field (in Python) -> primary key.
Written = dict[str, int]
Write = Callable[[Session, Any], Written]
Ahead = Callable[[], Awaitable[None]]

__all__ = ["Ahead", "UnitOfWork", "Write", "Written", "mutation"]


class UnitOfWork:
    """The writes of one operation. Opened with the first field, closed by `finish`."""

    def __init__(
        self,
        database: Database,
        builder: Builder,
        reader: Reader,
        variables: VariableValues,
        place: WritePlace,
        key_hours: int,
    ) -> None:
        self._database = database
        self._key_hours = key_hours
        self._variables = variables
        self._builder = builder
        self._reader = reader
        self._session: Session | None = None
        self._done: list[str] = []
        self._failed = False
        self._over = False
        self._afterwards: list[Callable[[], None]] = []
        # A request that is cut off is rolled back by another thread than the one that writes.
        self._turn = Lock()
        self._place = place
        self.lost: Exception | None = None
        """Why no connection was had, or was lost: none of the operation is written."""
        self.conflicted = False
        """Whether another writer stood in the way: the operation may succeed as a whole later."""

    async def perform(
        self, info: Info, write: Write, input: Any, ahead: Ahead | None = None
    ) -> Outcome:
        """Run one mutation field in a worker thread; domain errors become user errors.

        `ahead` is awaited first, when no connection is held yet, and may refuse.
        """
        try:
            if self.lost is not None:
                raise DatabaseUnavailable("the database was lost under the operation")
            outcome = await self._refused(ahead, input) if ahead else None
            if outcome is None:
                await self._place.take()
                actor, asked = info.context.viewer.actor, info._raw_info
                outcome = await run_in_threadpool(self._perform, asked, write, input, actor)
        except Exception as error:
            self._failed = True
            if isinstance(error, RateLimited) or is_unavailable(error):
                self.lost = self.lost or error
            raise
        except BaseException:
            self._failed = True
            raise
        if outcome.user_errors:
            self._failed = True
        else:
            self._done.append(str(info.path.key))
        return outcome

    @property
    def database(self) -> Database:
        """Where it writes, for what must be kept whatever becomes of the operation."""
        return self._database

    def begins(self) -> bool:
        """Whether no field of this operation has been run yet."""
        return self._session is None and not self._failed

    def fail(self) -> None:
        """Nothing of this operation is to be kept."""
        self._failed = True

    def afterwards(self, act: Callable[[], None]) -> None:
        """Do this once the operation is committed, and not if it is rolled back."""
        self._afterwards.append(act)

    async def finish(self) -> list[GraphQLError]:
        """Commit, or roll all back; the errors name the fields that a failing one took along."""
        try:
            await run_in_threadpool(self._close)
        except DBAPIError as cause:
            self.conflicted = isinstance(violation_of(cause), Conflict)
            raise
        finally:
            self._place.give(charged=self.lost is None)
        if not self._failed:
            return []
        message = "Not written: another mutation of this operation failed."
        errors: list[GraphQLError] = []
        for key in self._done:
            error = refuse(RolledBack(message))
            error.path = [key]
            errors.append(error)
        return errors

    async def abandon(self) -> None:
        """Roll back, whatever was done: the request was cut off."""
        self._failed = True
        await self.finish()

    async def _refused(self, ahead: Ahead, input: Any) -> Outcome | None:
        try:
            check_input(input)
            await ahead()
        except DomainError as error:
            return Outcome({}, [user_error(error)])
        return None

    def _close(self) -> None:
        with self._turn:
            self._over = True
            if self._session is not None:
                with self._session as session:
                    if not self._failed:
                        session.commit()
                        for act in self._afterwards:
                            act()

    def _perform(
        self, info: GraphQLResolveInfo[Any], write: Write, input: Any, actor: str
    ) -> Outcome:
        with self._turn:
            if self._over:
                raise DatabaseUnavailable("the request was cut off")
            if self._session is None:
                self._session = self._database.session(actor)
            return self._write(self._session, info, write, input)

    def _write(
        self, session: Session, info: GraphQLResolveInfo[Any], write: Write, input: Any
    ) -> Outcome:
        try:
            with session.begin_nested():
                check_input(input)
                keys = self._once(session, info.field_name, write, input)
                session.flush()
                return Outcome(self._read(session, info, keys), [])
        except DomainError as error:
            return Outcome({}, [user_error(error)])
        except DBAPIError as error:
            violation = violation_of(error)
            if violation is None:
                raise
            self.conflicted = isinstance(violation, Conflict)
            return Outcome({}, [user_error(violation)])

    def _once(self, session: Session, mutation: str, write: Write, input: Any) -> Written:
        """Write, unless the actor has written under this idempotency key before; then what it wrote."""
        # What takes or tells a secret has no such key: nothing of a secret is to be kept.
        key = getattr(input, "idempotency_key", None)
        if key is None:
            return write(session, input)
        if not key.strip():
            raise InvalidAttribute("It must not be blank.", "idempotency_key")
        digest = hashlib.sha256(canonical(input).encode()).digest()
        earlier = claim_key(session, key, mutation, digest, self._key_hours)
        if earlier is not None:
            return earlier
        written = write(session, input)
        keep_objects(session, key, written)
        return written

    def _read(
        self, session: Session, info: GraphQLResolveInfo[Any], keys: Written
    ) -> dict[str, Any]:
        plan = self._builder.plan_payload(info, self._variables, named(keys))
        return self._reader.read_within(session, plan) if plan else {}


def mutation(description: str, input: Any, payload: Any, write: Write, *, roles: Roles) -> Any:
    """A field of Mutation: its input, its payload, the function that writes, the roles that may use it."""

    async def resolve(info: Info, input: Any) -> Any:
        assert info.context.work is not None
        return await info.context.work.perform(info, write, input)

    argument = Annotated[input, strawberry.argument(description="What to write.")]
    resolve.__annotations__ = {"info": Info, "input": argument, "return": payload | None}
    return strawberry.mutation(
        resolver=resolve, description=description, metadata={FIELD_ROLES: roles}
    )


def named(keys: Mapping[str, int]) -> dict[str, int]:
    return {to_camel_case(name): key for name, key in keys.items()}


def user_error(error: DomainError) -> UserError:
    """A domain error in the client's words."""
    field = ["input", to_camel_case(error.attribute)] if error.attribute else None
    return UserError(field=field, message=str(error), code=error.code)


def given(input: Any) -> dict[str, Any]:
    """The members of an input that the client gave, null included."""
    values = {field.name: getattr(input, field.name) for field in fields(input)}
    return {name: value for name, value in values.items() if value is not strawberry.UNSET}


def canonical(input: Any) -> str:
    """A text that is equal for equal inputs."""
    return dumps(given(input), sort_keys=True, default=str)


def check_input(value: Any) -> None:
    """Refuse texts that PostgreSQL cannot hold, at any depth of an input."""
    if isinstance(value, str):
        check_text(value)
    elif isinstance(value, (float, int)):
        if is_too_long(value):
            raise InvalidValue(f"A number has more than {MAX_DIGITS} digits.")
    elif isinstance(value, dict):
        for name, item in value.items():
            check_text(str(name))
            check_input(item)
    elif isinstance(value, list):
        for item in value:
            check_input(item)
    elif is_dataclass(value):
        check_input(given(value))
