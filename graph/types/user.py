"""User, ApiKey, Change and Viewer. No type has a password or a key."""

from datetime import UTC

import strawberry

from graph import context
from graph.auth.roles import ANYONE, OVERSEERS
from graph.types.node import Node, computed_type, field, node, root_connection
from graph.types.role import Role
from graph.types.scalar import JSON, DateTime

__all__ = ["ApiKey", "Change", "Role", "User", "Viewer"]


@root_connection("users", "Users, removed ones included.", roles=OVERSEERS)
@node("A person who may sign in.", roles=OVERSEERS)
class User(Node):
    user_id: int = field("Number of the user.")
    username: str = field("Name for signing in.")
    role: Role = field("Role of the user.")
    created_at: DateTime = field("Time of the creation, in UTC.")
    removed_at: DateTime | None = field(
        "Time of the removal, in UTC; a removed user cannot sign in."
    )


@root_connection("api_keys", "API keys, revoked ones included.", roles=OVERSEERS)
@node(
    "A key by which a machine signs in. The key itself is returned only when it is made.",
    roles=OVERSEERS,
)
class ApiKey(Node):
    api_key_id: int = field("Number of the key.")
    name: str = field("Name of the key; no other key has it, revoked ones included.")
    role: Role = field(
        "Role of the key. The key of a user never has more rights than the user has now."
    )
    created_by: str = field("The actor that made it, like `user:anna`.")
    created_at: DateTime = field("Time of the creation, in UTC.")
    expires_at: DateTime = field("Time at which it expires, in UTC.")
    revoked_at: DateTime | None = field("Time of the revocation, in UTC.")
    last_used_at: DateTime | None = field("Time of the last use, in UTC, up to a minute early.")


@root_connection(
    "changes",
    "Recorded changes, without those of counters of attempts and uses.",
    roles=OVERSEERS,
)
@node("A statement that wrote rows. A recorded change never changes.", roles=OVERSEERS)
class Change(Node):
    change_id: int = field("Number of the change; later ones have greater numbers.")
    at: DateTime = field("Time at which its transaction began, in UTC.")
    actor: str = field(
        "The writer, like `user:anna`, `key:erp` or `import:FILE`; `sql:ROLE` if the writer names no actor."
    )
    relation: str = field("Name of the table.")
    operation: str = field("INSERT, UPDATE, DELETE or TRUNCATE.")
    keys: JSON = field(
        "List of the numbers of the rows, or of pairs of numbers if a row is an edge. For sessions, the "
        "numbers of the users."
    )


@computed_type("The caller of this request.", roles=ANYONE)
class Viewer:
    role: Role = strawberry.field(description="Role of the request.")
    username: str | None = strawberry.field(
        description="Name of the user; null for an API key and without a token."
    )
    api_key: str | None = strawberry.field(description="Name of the API key, if it is one.")
    expires_at: DateTime | None = strawberry.field(
        description="Latest end of the session or the key, in UTC."
    )

    @classmethod
    def of(cls, viewer: context.Viewer) -> "Viewer":
        """Return the fields of the viewer of a request."""
        expires = viewer.expires_at and viewer.expires_at.astimezone(UTC)
        shown = expires and DateTime(expires.isoformat(timespec="seconds"))
        return cls(
            role=Role(viewer.role),
            username=viewer.username,
            api_key=viewer.api_key,
            expires_at=shown or None,
        )
