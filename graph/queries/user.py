"""Root fields about who may sign in, and about who asks. `viewer` is answered without any SQL."""

import strawberry

from graph.context import Info
from graph.types import APIKey, User, Viewer
from graph.types.connection import Connection
from graph.types.node import connection


def who_asks(info: Info) -> Viewer:
    return Viewer.of(info.context.viewer)


@strawberry.type
class UserQuery:
    users: Connection[User] = connection("Users.", of="User")
    api_keys: Connection[APIKey] = connection("API keys, revoked ones included.", of="APIKey")

    viewer: Viewer = strawberry.field(resolver=who_asks, description="Who asks.")
