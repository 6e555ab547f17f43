"""Limits of failed sign-ins, counted in the database for all processes together.

Within 15 minutes, 5 passwords may fail for one name from one network (an IPv4 address, or a /64 of
IPv6), 20 from one network, and 100 for one name. The last limit is high, because a stranger can lock
a user out by it. Attempts of callers with a session are counted apart.

An attempt is counted before the password is compared, and removed if it succeeds. Simultaneous
attempts are therefore counted, and an attempt stays counted if its operation is rolled back.
"""

import hashlib
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil

from sqlalchemy import BigInteger, ColumnElement, Index, LargeBinary, delete, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Instant, Name
from models.database.engines import Database
from models.errors import TooManyAttempts

WINDOW_SECONDS = 15 * 60
MAX_PER_USERNAME_AND_ADDRESS = 5
MAX_PER_ADDRESS = 20
MAX_PER_USERNAME = 100
# Each attempt removes up to this many expired rows.
SWEEP = 100


class SignInAttempt(Base):
    """An attempt that failed or is under way; `address` is empty if it is not known."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (
        Index(None, "username_hash", "at"),
        Index(None, "address", "at"),
        Index(None, "at"),
    )

    attempt_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    username_hash: Mapped[bytes] = mapped_column(LargeBinary)
    address: Mapped[Name]
    at: Mapped[Instant] = mapped_column(server_default=func.clock_timestamp())


def begin_attempt(
    database: Database, username: str, address: str, *, signed_in: bool = False
) -> int:
    """Count an attempt in a transaction of its own; return its number.

    `signed_in`: the caller has a session of this user, so that failures of other callers do not
    count. Raises TooManyAttempts.
    """
    # The NUL, which no name contains, counts callers with a session apart.
    counted = f"\0{username}" if signed_in else username
    subject = hashlib.sha256(counted.encode("utf-8", "surrogatepass")).digest()
    place = network_of(address)
    with database.session() as session:
        # This check takes no lock, so that a throttled caller gets its error at once.
        _require_fewer(session, subject, place, signed_in)
        _take_turns(session, f"username {subject.hex()}", f"address {place}")
        _sweep(session)
        _require_fewer(session, subject, place, signed_in)
        attempt = SignInAttempt(username_hash=subject, address=place)
        session.add(attempt)
        session.flush()
        number = attempt.attempt_id
        session.commit()
    return number


def forget_attempt(database: Database, attempt_id: int) -> None:
    """Remove an attempt that succeeded, or whose password was not compared."""
    with database.session() as session:
        session.execute(delete(SignInAttempt).where(SignInAttempt.attempt_id == attempt_id))
        session.commit()


def network_of(address: str) -> str:
    """Return the network of a client: an IPv4 address, or a /64 of IPv6 (RFC 6177)."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:100]
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ip_network((parsed, 64), strict=False))
        parsed = parsed.ipv4_mapped
    return str(parsed)


def _require_fewer(session: Session, subject: bytes, place: str, signed_in: bool) -> None:
    name, here = SignInAttempt.username_hash == subject, SignInAttempt.address == place
    waits = [
        _wait(session, name & here, MAX_PER_USERNAME_AND_ADDRESS),
        _wait(session, name, MAX_PER_USERNAME),
    ]
    if place and not signed_in:
        waits.append(_wait(session, here, MAX_PER_ADDRESS))
    if any(waits):
        raise TooManyAttempts(max(waits))


def _take_turns(session: Session, *subjects: str) -> None:
    """Lock the names and addresses until the commit, in sorted order against deadlocks."""
    for subject in sorted(subjects):
        session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:subject, 0))"),
            {"subject": f"cacaotrace sign-in {subject}"},
        )


def _sweep(session: Session) -> None:
    old = select(SignInAttempt.attempt_id).where(~_counts()).limit(SWEEP)
    own = old.with_for_update(skip_locked=True)
    session.execute(delete(SignInAttempt).where(SignInAttempt.attempt_id.in_(own)))


def _counts() -> ColumnElement[bool]:
    window = func.make_interval(0, 0, 0, 0, 0, 0, WINDOW_SECONDS)
    return SignInAttempt.at > func.clock_timestamp() - window


def _wait(session: Session, same: ColumnElement[bool], limit: int) -> int:
    """Return the seconds until fewer attempts than the limit are in the window; 0 if they already are."""
    age = func.extract("epoch", func.clock_timestamp() - SignInAttempt.at)
    newest = select(age).where(same, _counts()).order_by(SignInAttempt.at.desc())
    blocking = session.scalars(newest.offset(limit - 1).limit(1)).first()
    if blocking is None:
        return 0
    return max(1, ceil(WINDOW_SECONDS - float(blocking)))
