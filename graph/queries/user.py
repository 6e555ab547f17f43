"""Root fields about who may sign in, what they changed, and who asks. `viewer` is answered without any SQL."""

import strawberry

from graph.auth.permissions import FIELD_ROLES
from graph.auth.roles import ANYONE
from graph.context import Info
from graph.queries.root import query_fields
from graph.types.user import Viewer


def who_asks(info: Info) -> Viewer:
    return Viewer.of(info.context.viewer)


@query_fields
class UserQuery:
    viewer: Viewer = strawberry.field(
        resolver=who_asks, description="Who asks.", metadata={FIELD_ROLES: ANYONE}
    )
