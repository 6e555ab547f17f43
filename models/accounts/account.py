"""Accounts of people: made, signed in to, given roles, removed.

Knows nothing of who may do what to whom, but that a password is changed by whoever knows it, that
an admin is left, and that no name is given twice: what is recorded names who wrote by it. Where passwords are compared, the work is the same for names that nobody has.
"""

from dataclasses import dataclass, field
from typing import TypeVarTuple

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from models.accounts.password import hash_again, hash_password, is_outdated, is_password
from models.attempt import begin_attempt, forget_attempt
from models.database.connection_limiter import DatabaseUnavailable
from models.database.engines import Database, acting
from models.errors import InvalidCredentials, LastAdmin, NotFound
from models.session import Started, end_sessions, start_session
from models.user import User, check_name, check_role, folded_name, normal_name

_Columns = TypeVarTuple("_Columns")

ADMINS_LOCK = func.pg_advisory_xact_lock(func.hashtext("cacaotrace admins"))


@dataclass(frozen=True, slots=True)
class Verified:
    """A user who has given the password that this hash is of."""

    user_id: int
    username: str
    password: str = field(repr=False)
    role: str


def actor_of(username: str) -> str:
    """Return what is recorded of the writes of a user."""
    return f"user:{username}"


def create_user(session: Session, username: str, password: str, role: str = "viewer") -> int:
    """Make a user; the number. Raises InvalidAttribute; a taken name is refused by the database."""
    check_role(role)
    name = check_name(username, "username")
    user = User(username=name, password=hash_password(password, name), role=role)
    session.add(user)
    session.flush()
    return user.user_id


def verify(
    database: Database, username: str, password: str, address: str, *, signed_in: bool = False
) -> Verified:
    """Return the user of this name, in any case, and password; raises InvalidCredentials or TooManyAttempts.

    `signed_in`: the caller has a session of this user.

    In transactions of its own, and none while the password is compared: an attempt counts whatever
    becomes of the operation, and no connection waits for Argon2.
    """
    attempt = begin_attempt(database, folded_name(username), address, signed_in=signed_in)
    found = _find(database, username)
    try:
        matches = is_password(found.password if found else None, password)
    except DatabaseUnavailable:
        forget_attempt(database, attempt)
        raise
    if found is None or not matches:
        raise InvalidCredentials("old_password" if signed_in else None)
    forget_attempt(database, attempt)
    return _renew_hash(database, found, password) if is_outdated(found.password) else found


def sign_in(session: Session, verified: Verified) -> Started:
    """Begin a session, on record as the user's own act.

    Raises InvalidCredentials where the password was changed meanwhile.
    """
    same = User.user_id == verified.user_id, User.password == verified.password
    # Whoever changes the password waits, and then ends this session too.
    if (
        session.scalars(select(User.user_id).where(*same).with_for_update(read=True)).first()
        is None
    ):
        raise InvalidCredentials
    with acting(session, actor_of(verified.username)):
        return start_session(session, verified.user_id)


def change_password(
    session: Session, verified: Verified, password: str, kept: bytes | None = None
) -> int:
    """Change the password of a user who knows the old one; how many other sessions ended.

    `kept` is the hash of the session that stays.
    """
    made = hash_password(password, verified.username, "new_password")
    same = User.user_id == verified.user_id, User.password == verified.password
    changed = update(User).where(*same).values(password=made).returning(User.user_id)
    if session.execute(changed).first() is None:
        raise InvalidCredentials("old_password")
    return end_sessions(session, verified.user_id, kept)


def set_password(session: Session, user_id: int, password: str) -> int:
    """Give a user a new password; how many sessions ended: all of theirs. Raises NotFound."""
    made = hash_password(password, _lock(session, user_id).username)
    session.execute(update(User).where(User.user_id == user_id).values(password=made))
    return end_sessions(session, user_id)


def set_role(session: Session, user_id: int, role: str) -> None:
    """Give a user a role, in every session of theirs at once. Raises LastAdmin or NotFound."""
    check_role(role)
    session.execute(select(ADMINS_LOCK))
    if _lock(session, user_id).role == "admin" != role:
        _require_another_admin(session, user_id, "role")
    session.execute(update(User).where(User.user_id == user_id).values(role=role))


def remove_user(session: Session, user_id: int) -> None:
    """Remove a user, and end their sessions. Raises LastAdmin or NotFound.

    The row stays, so that no later user gets the name in what this one wrote.
    """
    session.execute(select(ADMINS_LOCK))
    if _lock(session, user_id).role == "admin":
        _require_another_admin(session, user_id, None)
    gone = {"removed_at": func.now(), "password": ""}
    session.execute(update(User).where(User.user_id == user_id).values(gone))
    end_sessions(session, user_id)


def find_user(session: Session, username: str) -> int:
    """Return the number of the user of this name, in any case; raises NotFound."""
    found = session.scalars(_named(select(User.user_id), username)).first()
    if found is None:
        raise NotFound(f"There is no user {normal_name(username)!r}.", "username")
    return found


def _lock(session: Session, user_id: int) -> User:
    row = select(User).where(User.user_id == user_id, User.removed_at.is_(None)).with_for_update()
    user = session.scalars(row.execution_options(populate_existing=True)).first()
    if user is None:
        raise NotFound(f"There is no user {user_id}.", "user_id")
    return user


def _require_another_admin(session: Session, user_id: int, attribute: str | None) -> None:
    admins = select(User.user_id).where(User.role == "admin", User.removed_at.is_(None))
    if session.scalars(admins.where(User.user_id != user_id).limit(1)).first() is None:
        raise LastAdmin(attribute)


def _named(columns: Select[*_Columns], username: str) -> Select[*_Columns]:
    """Of the users whose names are equal but for case, the one of exactly this name first."""
    same = func.lower(User.username) == folded_name(username)
    exactly = User.username == normal_name(username)
    return columns.where(same, User.removed_at.is_(None)).order_by(exactly.desc()).limit(1)


def _find(database: Database, username: str) -> Verified | None:
    columns = select(User.user_id, User.username, User.password, User.role)
    with database.reader() as connection:
        row = connection.execute(_named(columns, username)).first()
    return Verified(*row) if row else None


def _renew_hash(database: Database, found: Verified, password: str) -> Verified:
    """Return the same password, hashed with today's parameters."""
    made = hash_again(password)
    same = User.user_id == found.user_id, User.password == found.password
    with database.session(actor_of(found.username)) as session:
        session.execute(update(User).where(*same).values(password=made))
        session.commit()
    return Verified(found.user_id, found.username, made, found.role)
