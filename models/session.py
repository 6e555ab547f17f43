"""Sessions of users: the database looks up an opaque token.

A session can be ended at once, and its token needs no signing key and carries no claims. The token
has 256 random bits, and only its SHA-256 is stored; a slow hash would add nothing, because random
bits cannot be guessed. A session ends after 12 hours, or after one hour without a request.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, LargeBinary, delete, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Instant, Key
from models.database.asynchronous import Statement
from models.database.engines import Database
from models.user import User

LIFETIME = timedelta(hours=12)
IDLE = timedelta(hours=1)
# `seen_at` is at most this much earlier than the last request.
RENEWAL = timedelta(minutes=5)
# By these prefixes, scanners of published texts recognise tokens.
SESSION_PREFIX, KEY_PREFIX = "cts_", "ctk_"
TOKEN_LENGTH = 47


class UserSession(Base):
    """A session of a user; `seen_at` is up to 5 minutes earlier than the last request."""

    __tablename__ = "sessions"
    __table_args__ = (Index(None, "user_id", "expires_at"),)

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[Key] = mapped_column(ForeignKey(User.user_id, ondelete="CASCADE"))
    created_at: Mapped[Instant] = mapped_column(server_default=func.now())
    seen_at: Mapped[Instant] = mapped_column(server_default=func.now())
    expires_at: Mapped[Instant]
    revoked_at: Mapped[Instant | None]


@dataclass(frozen=True, slots=True)
class Started:
    """A new session: its token, which is returned only here, and its end, in UTC."""

    token: str = field(repr=False)
    expires_at: datetime


def new_token(prefix: str) -> str:
    """Return a token of 256 random bits, as 47 characters: the prefix and base64url."""
    return prefix + secrets.token_urlsafe(32)


def hash_of(token: str) -> bytes:
    """Return the SHA-256 of a token, which is stored instead of the token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def start_session(session: Session, user_id: int) -> Started:
    """Start a session of a user, and remove the expired ones."""
    expired = UserSession.user_id == user_id, UserSession.expires_at < func.now()
    session.execute(delete(UserSession).where(*expired))
    token = new_token(SESSION_PREFIX)
    row = UserSession(token_hash=hash_of(token), user_id=user_id, expires_at=func.now() + LIFETIME)
    session.add(row)
    session.flush()
    return Started(token, row.expires_at)


def end_session(session: Session, token_hash: bytes) -> int:
    """End a session; return 1, or 0 if it had ended before."""
    return _end(session, UserSession.token_hash == token_hash)


def end_sessions(session: Session, user_id: int, except_hash: bytes | None = None) -> int:
    """End the sessions of a user except the one of this hash; return how many ended."""
    kept = UserSession.token_hash != (except_hash or b"")
    return _end(session, (UserSession.user_id == user_id) & kept)


def _end(session: Session, condition: object) -> int:
    living = UserSession.revoked_at.is_(None), UserSession.expires_at > func.now()
    rows = update(UserSession).where(condition, *living)  # type: ignore[arg-type]
    ended = rows.values(revoked_at=func.now()).returning(UserSession.token_hash)
    return len(session.execute(ended).all())


def renew_session(database: Database, token_hash: bytes) -> None:
    """Record that a session is in use, at most once in `RENEWAL` over all processes."""
    due = UserSession.seen_at < func.now() - RENEWAL
    own = select(UserSession.token_hash).where(UserSession.token_hash == token_hash, due)
    with database.session() as session:
        seen = update(UserSession).where(UserSession.token_hash.in_(own.with_for_update()))
        session.execute(seen.values(seen_at=func.now()))
        session.commit()


# One JSON text: the user of the session with this hash, in hex; null if the session has ended.
FIND_SESSION = Statement(
    f"""SELECT coalesce((
  SELECT json_build_object('name', u.username, 'role', u.role, 'user', u.user_id, 'expires', s.expires_at,
    'seconds', extract(epoch FROM least(s.expires_at, s.seen_at + interval '{IDLE}') - now()),
    'unused', extract(epoch FROM now() - s.seen_at))
  FROM sessions s JOIN users u ON u.user_id = s.user_id AND u.removed_at IS NULL
  WHERE s.token_hash = decode($1, 'hex') AND s.revoked_at IS NULL AND s.expires_at > now()
    AND s.seen_at > now() - interval '{IDLE}')::text, 'null')""",
    1,
)
