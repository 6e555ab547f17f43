"""The root field `viewer`, which needs no SQL."""

import strawberry

from graph.auth.permissions import FIELD_ROLES
from graph.auth.roles import ANYONE
from graph.context import Info
from graph.queries.root import query_fields
from graph.types.user import Viewer


def viewer_of_request(info: Info) -> Viewer:
    return Viewer.of(info.context.viewer)


@query_fields
class UserQuery:
    viewer: Viewer = strawberry.field(
        resolver=viewer_of_request,
        description="The caller of this request.",
        metadata={FIELD_ROLES: ANYONE},
    )
