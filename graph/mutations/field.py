"""Declares a root field of Mutation."""

from typing import Annotated, Any

import strawberry

from graph.auth.permissions import FIELD_ROLES
from graph.auth.roles import Roles
from graph.mutations.context import MutationInfo
from graph.mutations.write import Write


def mutation(description: str, input: Any, payload: Any, write: Write, *, roles: Roles) -> Any:
    """Declare a root field of Mutation that these roles may use; `write` writes its input."""

    async def resolve(info: MutationInfo, input: Any) -> Any:
        return await info.context.unit_of_work.run(info, write, input)

    return declare(resolve, description, input, payload, roles)


def declare(resolve: Any, description: str, input: Any, payload: Any, roles: Roles) -> Any:
    """Declare a root field of Mutation with a resolver that takes `info` and `input`."""
    argument = Annotated[input, strawberry.argument(description="The input.")]
    resolve.__annotations__ = {"info": MutationInfo, "input": argument, "return": payload | None}
    return strawberry.mutation(
        resolver=resolve, description=description, metadata={FIELD_ROLES: roles}
    )
