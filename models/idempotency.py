"""The keys by which a repeated request is recognised: whose they are, and how long they live.

A key belongs to the actor that chose it. A key that is older than its life counts as absent, whether
its row is removed yet or not.
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
# Rows of one transaction: it must be short, since a writer may wait for one of its rows.
SWEEP_ROWS = 1_000
REMOVE = text(
    "delete from idempotency_keys where (actor, key) in (select actor, key from idempotency_keys"
    " where created_at < now() - :hours * interval '1 hour'"
    " order by created_at limit :rows for update skip locked)"
)

log = logging.getLogger("cacaotrace")


class IdempotencyKey(Base):
    """A key an actor chose, and the objects its first request made: payload field -> primary key."""

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
    """Claim a key for the session's actor; None where the caller is to write under it.

    Else the objects that the first request under it made, or raises IdempotencyKeyReused. Waits for
    another request that is writing under the same key.
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
    """Remember what was written under a key that was claimed."""
    session.execute(update(IdempotencyKey).where(_own(key)).values(objects=objects))


def remove_expired(database: Database, hours: int) -> int:
    """Remove the keys of all actors that are older than so many hours; their number.

    Rows that another transaction holds are left for the next time, and short transactions follow
    each other, so that no writer waits for long.
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
    """A thread beside a server that removes expired keys at the start and every five minutes.

    Every process has one. Never ends the server: what fails is logged once until it succeeds.
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
        """End after the removal under way, which is waited for so long."""
        self._stopping.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            try:
                remove_expired(self._database, self._hours)
                self._logged = False
            except SQLAlchemyError as error:
                if not self._logged and not self._stopping.is_set():
                    log.warning("expired idempotency keys stay: %s", type(error).__name__)
                self._logged = True
            if self._stopping.wait(SWEEP_SECONDS):
                return


def _own(key: str) -> ColumnElement[bool]:
    return (IdempotencyKey.actor == func.current_actor()) & (IdempotencyKey.key == key)
