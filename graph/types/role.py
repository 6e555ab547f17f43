"""Role: the permissions of a caller, as one word."""

from enum import Enum

import strawberry


@strawberry.enum(description="The permissions of a user or a key.")
class Role(Enum):
    PUBLIC = strawberry.enum_value(
        "public", description="A caller without a token; no user has this role."
    )
    VIEWER = strawberry.enum_value("viewer", description="Reads.")
    OPERATOR = strawberry.enum_value("operator", description="Reads and writes.")
    AUDITOR = strawberry.enum_value("auditor", description="Reads everything, writes nothing.")
    ADMIN = strawberry.enum_value("admin", description="Also administers users and keys.")
