"""The schema as the planner reads it: types, their ORM attributes, permissions and limits."""

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema

from graph.admission.limits import Limits
from graph.auth.permissions import Permissions
from graph.errors import InvalidPage
from graph.pagination import read_global_id
from graph.types.node import NODE_MODELS, VIRTUAL_MODELS

STRAWBERRY_DEFINITION = "strawberry-definition"


def attribute_of(field: GraphQLField) -> str:
    """Return the Python name of a field, which is the name of its ORM attribute."""
    return str(field.extensions[STRAWBERRY_DEFINITION].python_name)


def type_of_id(global_id: str) -> str:
    """Return the node type of a global id; raises InvalidId."""
    return read_global_id(global_id, list(NODE_MODELS))[0]


def key_of_id(global_id: str) -> int:
    """Return the primary key in a global id; raises InvalidId."""
    return read_global_id(global_id, list(NODE_MODELS))[1]


class Catalog:
    """The schema as the planner reads it; contains nothing of a request."""

    def __init__(self, schema: GraphQLSchema, permissions: Permissions, limits: Limits) -> None:
        self.schema = schema
        self.permissions = permissions
        self.limits = limits
        self.attributes: dict[str, dict[str, str]] = {
            name: {field: attribute_of(d) for field, d in self.type(name).fields.items()}
            for name in (*NODE_MODELS, *VIRTUAL_MODELS)
        }

    def type(self, name: str) -> GraphQLObjectType:
        found = self.schema.type_map[name]
        assert isinstance(found, GraphQLObjectType)
        return found

    def types_of_ids(self, ids: list[str]) -> tuple[str, ...]:
        """Return the types of these ids; raises InvalidPage for too many ids."""
        most = self.limits.node_ids
        if len(ids) > most:
            raise InvalidPage(f"`ids` has {len(ids)} entries; the maximum is {most}.")
        return tuple(sorted({type_of_id(global_id) for global_id in ids}))
