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
    username: str = field("The name to sign in by.")
    role: Role = field("What this user may do.")
    created_at: DateTime = field("When the user was made, in UTC.")
    removed_at: DateTime | None = field("Since when the user cannot sign in any more, in UTC.")


@root_connection("api_keys", "API keys, revoked ones included.", roles=OVERSEERS)
@node("A key by which a machine signs in; the key itself was shown once.", roles=OVERSEERS)
class ApiKey(Node):
    api_key_id: int = field("Number of the key.")
    name: str = field("What it is for; no two keys share a name, revoked ones included.")
    role: Role = field("What the key may do; if a user made it, never more than that user may now.")
    created_by: str = field("Who made it, like `user:anna`.")
    created_at: DateTime = field("When it was made, in UTC.")
    expires_at: DateTime = field("Until when it is valid, in UTC.")
    revoked_at: DateTime | None = field("Since when it is not valid any more, in UTC.")
    last_used_at: DateTime | None = field("When it was last used, in UTC, to the minute.")


@root_connection(
    "changes",
    "What was written, when and by whom: all but what counts attempts and uses.",
    roles=OVERSEERS,
)
@node("One statement that wrote; never changed afterwards.", roles=OVERSEERS)
class Change(Node):
    change_id: int = field("Number of the change; later ones have greater numbers.")
    at: DateTime = field("When its transaction began, in UTC.")
    actor: str = field(
        "Who wrote, like `user:anna`, `key:erp`, `import:FILE`; `sql:ROLE` if the writer names no actor."
    )
    relation: str = field("The table that was written to.")
    operation: str = field("What was done: INSERT, UPDATE, DELETE or TRUNCATE.")
    keys: JSON = field(
        "Numbers of the rows, as a list; of lists of two where a row is an edge. Of sessions, those "
        "of the users."
    )


@computed_type("The caller of this request.", roles=ANYONE)
class Viewer:
    role: Role = strawberry.field(description="What this request may do.")
    username: str | None = strawberry.field(
        description="Name of the user; null for an API key and without a token."
    )
    api_key: str | None = strawberry.field(description="Name of the API key, if it is one.")
    expires_at: DateTime | None = strawberry.field(
        description="When the sign-in or the key ends at the latest, in UTC."
    )

    @classmethod
    def of(cls, viewer: context.Viewer) -> "Viewer":
        """Return what a request may be told of its own viewer."""
        expires = viewer.expires_at and viewer.expires_at.astimezone(UTC)
        shown = expires and DateTime(expires.isoformat(timespec="seconds"))
        return cls(
            role=Role(viewer.role),
            username=viewer.username,
            api_key=viewer.api_key,
            expires_at=shown or None,
        )
