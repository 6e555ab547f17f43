"""Root fields about who may sign in, what they changed, and who asks. `viewer` is answered without any SQL."""

import strawberry

from graph.context import Info
from graph.types import APIKey, Change, User, Viewer
from graph.types.connection import Connection
from graph.types.node import connection


def who_asks(info: Info) -> Viewer:
    return Viewer.of(info.context.viewer)


@strawberry.type
class UserQuery:
    users: Connection[User] = connection("Users, removed ones included.", of="User")
    api_keys: Connection[APIKey] = connection("API keys, revoked ones included.", of="APIKey")
    changes: Connection[Change] = connection(
        "What was written, when and by whom: all but what counts attempts and uses.", of="Change"
    )

    viewer: Viewer = strawberry.field(resolver=who_asks, description="Who asks.")
