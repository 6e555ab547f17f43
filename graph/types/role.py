"""Role: the permissions of a caller, as one word."""

from enum import Enum

import strawberry


@strawberry.enum(description="What somebody may do.")
class Role(Enum):
    PUBLIC = strawberry.enum_value(
        "public", description="Whoever has not signed in; nobody can be given it."
    )
    VIEWER = strawberry.enum_value("viewer", description="Reads.")
    OPERATOR = strawberry.enum_value("operator", description="Reads and writes.")
    AUDITOR = strawberry.enum_value("auditor", description="Reads everything, writes nothing.")
    ADMIN = strawberry.enum_value("admin", description="Also administers users and keys.")
