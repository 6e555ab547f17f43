"""The transaction of one operation of mutations: all of its fields are committed, or none.

Fields run one after the other in worker threads, each in a savepoint, so that a failed field leaves the
transaction usable and the payloads of later fields can still be read.
"""

from collections.abc import Awaitable, Callable
from threading import Lock
from typing import Any, TypeAlias

from graphql import GraphQLError, GraphQLResolveInfo
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from strawberry.types.info import Info

from graph.admission.controller import WritePlace
from graph.errors import RateLimited, RolledBack, is_unavailable, refuse
from graph.mutations.check import check_input
from graph.mutations.payload import Outcome
from graph.mutations.write import FieldWriter, Write, failed
from models.database.connection_limiter import DatabaseUnavailable
from models.database.engines import Database
from models.errors import Conflict, DomainError, violation_of

BeforeTransaction: TypeAlias = Callable[[], Awaitable[None]]
"""Runs before a field takes a connection; raises DomainError to reject the field."""


class UnitOfWork:
    """The transaction of one operation: opened by its first field, closed by `finish`."""

    def __init__(self, database: Database, writer: FieldWriter, place: WritePlace) -> None:
        self._database = database
        self._writer = writer
        self._place = place
        self._session: Session | None = None
        self._written: list[str] = []
        self._failed = False
        self._closed = False
        self._on_commit: list[Callable[[], None]] = []
        # A cancelled request is rolled back by another thread than the one that writes.
        self._lock = Lock()
        self.lost: Exception | None = None
        """Why there was no connection, or why it was lost: nothing of the operation is written."""
        self.conflicted = False
        """Whether another writer conflicted: the whole operation may succeed if it is run again."""

    async def run(
        self,
        info: Info[Any, None],
        write: Write,
        input: Any,
        before_transaction: BeforeTransaction | None = None,
    ) -> Outcome:
        """Run one mutation field in a worker thread; domain errors become user errors.

        `before_transaction` is awaited first, while the field holds no connection.
        """
        try:
            if self.lost is not None:
                raise DatabaseUnavailable("the connection of the operation was lost")
            outcome = await _rejected(before_transaction, input) if before_transaction else None
            if outcome is None:
                await self._place.take()
                actor, field = info.context.viewer.actor, info._raw_info
                outcome = await run_in_threadpool(self._write, field, write, input, actor)
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
            self._written.append(str(info.path.key))
        return outcome

    @property
    def database(self) -> Database:
        """The database, for writes that must be kept even if the operation is rolled back."""
        return self._database

    def has_begun(self) -> bool:
        """Return whether a field of this operation has run."""
        return self._session is not None or self._failed

    def fail(self) -> None:
        """Mark the operation for rollback."""
        self._failed = True

    def on_commit(self, act: Callable[[], None]) -> None:
        """Call `act` after the commit; it is not called after a rollback."""
        self._on_commit.append(act)

    async def finish(self) -> list[GraphQLError]:
        """Commit, or roll back if a field failed; return an error for each field rolled back."""
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
        rolled_back: list[GraphQLError] = []
        for key in self._written:
            error = refuse(RolledBack(message))
            error.path = [key]
            rolled_back.append(error)
        return rolled_back

    async def abandon(self) -> None:
        """Roll back a cancelled operation."""
        self._failed = True
        await self.finish()

    def _close(self) -> None:
        with self._lock:
            self._closed = True
            if self._session is not None:
                with self._session as session:
                    if not self._failed:
                        session.commit()
                        for act in self._on_commit:
                            act()

    def _write(
        self, field: GraphQLResolveInfo[Any], write: Write, input: Any, actor: str
    ) -> Outcome:
        with self._lock:
            if self._closed:
                raise DatabaseUnavailable("the request was cancelled")
            if self._session is None:
                self._session = self._database.session(actor)
            try:
                return self._writer.run(self._session, field, write, input)
            except DomainError as error:
                return failed(error, input)
            except DBAPIError as error:
                violation = violation_of(error)
                if violation is None:
                    raise
                self.conflicted = isinstance(violation, Conflict)
                return failed(violation, input)


async def _rejected(before_transaction: BeforeTransaction, input: Any) -> Outcome | None:
    """Return the outcome of a field that is rejected before its transaction; None if it is not."""
    try:
        check_input(input)
        await before_transaction()
    except DomainError as error:
        return failed(error, input)
    return None
