"""Idempotency keys, by which a repeated request is recognised.

A key belongs to the actor that chose it. An expired key counts as absent, even before its row is
removed.
"""

import logging
from threading import Event, Thread

from sqlalchemy import ColumnElement, Index, LargeBinary, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Instant, Json, Name
from models.database.engines import Database
from models.errors import IdempotencyKeyReused

SWEEP_SECONDS = 300.0
# Rows that one transaction removes. A writer may wait for one of them, so the number is small.
SWEEP_ROWS = 1_000
REMOVE = text(
    "delete from idempotency_keys where (actor, key) in (select actor, key from idempotency_keys"
    " where created_at < now() - :hours * interval '1 hour'"
    " order by created_at limit :rows for update skip locked)"
)

log = logging.getLogger("cacaotrace")


class IdempotencyKey(Base):
    """A key of an actor, and the objects of its first request: payload field -> primary key."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "created_at"),)

    actor: Mapped[Name] = mapped_column(primary_key=True, server_default=func.current_actor())
    key: Mapped[Name] = mapped_column(primary_key=True)
    mutation: Mapped[Name]
    input_hash: Mapped[bytes] = mapped_column(LargeBinary)
    objects: Mapped[Json] = mapped_column(server_default="{}")
    created_at: Mapped[Instant] = mapped_column(server_default=func.now())


def claim_key(
    session: Session, key: str, mutation: str, input_hash: bytes, hours: int
) -> dict[str, int] | None:
    """Claim a key for the session's actor; return None if the caller has to write now.

    Returns the objects that the first request under the key wrote, if there was one. Raises
    IdempotencyKeyReused if that request had another input. Waits for a request that is writing under
    the same key.
    """
    values = {"key": key, "mutation": mutation, "input_hash": input_hash, "objects": {}}
    expired = IdempotencyKey.created_at < func.now() - text(f"interval '{hours:d} hours'")
    claim = (
        insert(IdempotencyKey)
        .values(values)
        .on_conflict_do_update(
            index_elements=["actor", "key"], set_=values | {"created_at": func.now()}, where=expired
        )
    )
    if session.execute(claim.returning(IdempotencyKey.key)).first() is not None:
        return None
    earlier = session.scalars(select(IdempotencyKey).where(_own(key))).one()
    if earlier.mutation != mutation or earlier.input_hash != input_hash:
        raise IdempotencyKeyReused(
            "This key was used before, with another input.", "idempotency_key"
        )
    return dict(earlier.objects)


def keep_objects(session: Session, key: str, objects: dict[str, int]) -> None:
    """Store the objects that were written under a claimed key."""
    session.execute(update(IdempotencyKey).where(_own(key)).values(objects=objects))


def remove_expired(database: Database, hours: int) -> int:
    """Remove the keys of all actors that are older than `hours`; return their number.

    Each transaction removes at most SWEEP_ROWS rows and skips locked ones, so that no writer waits
    for long.
    """
    removed = 0
    with database.beside().connect() as connection:
        while True:
            found = connection.execute(REMOVE, {"hours": hours, "rows": SWEEP_ROWS})
            connection.commit()
            removed += found.rowcount
            if found.rowcount < SWEEP_ROWS:
                return removed


class KeySweeper:
    """A thread that removes expired keys when a server starts and every five minutes.

    Every process has one. Never ends the server: a failure is logged once until a removal succeeds.
    """

    def __init__(self, database: Database, hours: int) -> None:
        self._database = database
        self._hours = hours
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="idempotency keys", daemon=True)
        self._logged = False

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """End after the removal that is under way; wait for it at most `seconds`."""
        self._stopping.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            try:
                remove_expired(self._database, self._hours)
                self._logged = False
            except SQLAlchemyError as error:
                if not self._logged and not self._stopping.is_set():
                    log.warning("cannot remove expired idempotency keys: %s", type(error).__name__)
                self._logged = True
            if self._stopping.wait(SWEEP_SECONDS):
                return


def _own(key: str) -> ColumnElement[bool]:
    return (IdempotencyKey.actor == func.current_actor()) & (IdempotencyKey.key == key)
