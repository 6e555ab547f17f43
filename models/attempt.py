"""How often a password may be tried: counted in the database, for all processes together.

Five failures in 15 minutes of one name from one network (an IPv4 address, a /64 of IPv6), 20 from
one network, 100 of one name: so many, because anybody can make them to lock somebody out. Whoever
has signed in and gives the old password again is counted apart from those who have not.

An attempt is counted before it is made and taken back where it succeeds, so that attempts at the
same moment are counted too, and one whose operation is rolled back stays counted.
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
# Of what is too old to count, so many rows are removed at each attempt.
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
    """Count an attempt in a transaction of its own; its number. Raises TooManyAttempts.

    `signed_in`: the caller has a session of this user, so that failures of others do not count.
    """
    # No name has a NUL, so that callers with and without a session are counted apart.
    counted = f"\0{username}" if signed_in else username
    subject = hashlib.sha256(counted.encode("utf-8", "surrogatepass")).digest()
    place = network_of(address)
    with database.session() as session:
        # A throttled caller gets its error at once.
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
    """Take an attempt back: it succeeded, or was never decided."""
    with database.session() as session:
        session.execute(delete(SignInAttempt).where(SignInAttempt.attempt_id == attempt_id))
        session.commit()


def network_of(address: str) -> str:
    """Return what one client can choose its addresses from: an IPv4 address, a /64 of IPv6 (RFC 6177)."""
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
    """Whoever counts the same name or address waits here, in one order for all."""
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
    """Seconds until there are fewer attempts than the limit within the window; 0 if there are."""
    age = func.extract("epoch", func.clock_timestamp() - SignInAttempt.at)
    newest = select(age).where(same, _counts()).order_by(SignInAttempt.at.desc())
    oldest_in_the_way = session.scalars(newest.offset(limit - 1).limit(1)).first()
    if oldest_in_the_way is None:
        return 0
    return max(1, ceil(WINDOW_SECONDS - float(oldest_in_the_way)))
