"""API keys, by which machines sign in.

A key has a name, a role and an expiry, can be revoked, and is stored as a hash. A key that a user
made ends with that user, and never has more rights than that user has now.
"""

from sqlalchemy import Index, LargeBinary, func, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Instant, Key, Name
from models.database.asynchronous import Statement
from models.database.engines import Database
from models.errors import InvalidAttribute
from models.session import KEY_PREFIX, hash_of, new_token
from models.user import check_name, check_role

DEFAULT_DAYS, MAX_DAYS = 90, 365
# `last_used_at` is at most this many seconds earlier than the last use.
USE_SECONDS = 60


class ApiKey(Base):
    """A key of a machine; `last_used_at` is up to a minute earlier than the last use."""

    __tablename__ = "api_keys"
    __table_args__ = (
        Index("api_keys_name_case", text("lower(name)"), unique=True),
        Index("api_keys_name_look", text("look_of_name(name)"), unique=True),
    )

    api_key_id: Mapped[Key] = mapped_column(primary_key=True)
    name: Mapped[Name] = mapped_column(unique=True)
    key_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    role: Mapped[Name]
    created_by: Mapped[Name] = mapped_column(server_default=func.current_actor())
    created_at: Mapped[Instant] = mapped_column(server_default=func.now())
    expires_at: Mapped[Instant]
    revoked_at: Mapped[Instant | None]
    last_used_at: Mapped[Instant | None]


def create_api_key(
    session: Session, name: str, role: str, days: int = DEFAULT_DAYS
) -> tuple[int, str]:
    """Create a key that expires after `days`; return its number and the key.

    The key is returned only here. Raises InvalidAttribute.
    """
    check_role(role)
    if not 1 <= days <= MAX_DAYS:
        raise InvalidAttribute(f"From 1 to {MAX_DAYS} days.", "expires_in_days")
    key = new_token(KEY_PREFIX)
    row = ApiKey(
        name=check_name(name, "name"),
        role=role,
        key_hash=hash_of(key),
        expires_at=func.now() + func.make_interval(0, 0, 0, days),
    )
    session.add(row)
    session.flush()
    return row.api_key_id, key


def revoke_api_key(session: Session, api_key_id: int) -> None:
    """Revoke a key, unless it is revoked already."""
    living = update(ApiKey).where(ApiKey.api_key_id == api_key_id, ApiKey.revoked_at.is_(None))
    session.execute(living.values(revoked_at=func.now()))


def note_use(database: Database, api_key_id: int) -> None:
    """Record that a key is in use, at most once a minute over all processes."""
    due = func.now() - func.make_interval(0, 0, 0, 0, 0, 0, USE_SECONDS)
    stale = ApiKey.last_used_at.is_(None) | (ApiKey.last_used_at < due)
    own = select(ApiKey.api_key_id).where(ApiKey.api_key_id == api_key_id, stale)
    with database.session() as session:
        used = update(ApiKey).where(ApiKey.api_key_id.in_(own.with_for_update()))
        session.execute(used.values(last_used_at=func.now()))
        session.commit()


# One JSON text: the key with this hash, in hex, and its present role; null if the key is not valid.
# If the key and its maker have different roles, the key has the greatest role that both include.
# A maker that is no user (a subject of an issuer, the command line, SQL) has no row in `users`.
FIND_KEY = Statement(
    """SELECT coalesce((
  SELECT json_build_object('name', k.name, 'key', k.api_key_id, 'expires', k.expires_at,
    'role', CASE WHEN m.role IS NULL OR m.role IN ('admin', k.role) THEN k.role
      WHEN k.role = 'admin' THEN m.role ELSE 'viewer' END,
    'seconds', extract(epoch FROM k.expires_at - now()),
    'unused', extract(epoch FROM now() - k.last_used_at))
  FROM api_keys k LEFT JOIN users m ON starts_with(k.created_by, 'user:')
    AND m.username = substr(k.created_by, 6) AND m.removed_at IS NULL
  WHERE k.key_hash = decode($1, 'hex') AND k.revoked_at IS NULL AND k.expires_at > now()
    AND (m.user_id IS NOT NULL OR NOT starts_with(k.created_by, 'user:')))::text, 'null')""",
    1,
)
