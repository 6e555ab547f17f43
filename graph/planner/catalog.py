"""What a walk knows of the schema: its types, their attributes, who may use them; of nobody's request."""

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema

from graph.admission.limits import Limits
from graph.auth.permissions import Permissions
from graph.errors import InvalidPage
from graph.pagination import read_global_id
from graph.types.node import NODE_MODELS, VIRTUAL_MODELS

DEFINITION = "strawberry-definition"


def attribute_of(field: GraphQLField) -> str:
    """The name a field has in Python, which is that of its ORM attribute."""
    return str(field.extensions[DEFINITION].python_name)


def type_of_id(global_id: str) -> str:
    return read_global_id(global_id, list(NODE_MODELS))[0]


def key_of_id(global_id: str) -> int:
    return read_global_id(global_id, list(NODE_MODELS))[1]


class Catalog:
    """What a walk knows of the schema, and of nobody's request."""

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
        """The types among these ids; raises InvalidPage where there are too many ids."""
        most = self.limits.node_ids
        if len(ids) > most:
            raise InvalidPage(f"`ids` has {len(ids)} entries; at most {most} are answered.")
        return tuple(sorted({type_of_id(global_id) for global_id in ids}))
