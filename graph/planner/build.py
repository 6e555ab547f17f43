"""Selection -> nodes. All that can be refused is refused here, before the database is touched.

`Builder(schema)` is made once; `plan()` takes a validated operation with its coerced variables and
raises GraphQLError at the node and path where something is wrong.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    is_enum_type,
    is_object_type,
)
from graphql.execution.values import VariableValues, get_argument_values

from graph.errors import DocumentTooLarge, InvalidPage, RequestError, refuse
from graph.limits import MAX_DEPTH, MAX_NODE_IDS, MAX_OBJECTS
from graph.pagination import (
    PageArguments,
    check_page_size,
    read_global_id,
    read_page_arguments,
)
from graph.planner.arguments import ArgumentReader, Template, Values
from graph.planner.entity import Entity, entity_named
from graph.planner.nodes import (
    Boundary,
    Column,
    Cursor,
    EdgeColumn,
    Edges,
    EdgeValue,
    GlobalId,
    Lookup,
    NodeList,
    Nodes,
    One,
    Operation,
    Page,
    PageFact,
    PageInfo,
    PageValue,
    Param,
    Plan,
    RootValue,
    RowValue,
    Shape,
    TotalCount,
    Typename,
)
from graph.planner.selection import Selections
from graph.planner.variables import Traced, trace
from graph.types.node import ENTITIES

DEFINITION = "strawberry-definition"
# The key of a row's type name where graphql-core has to find it; no response key is like it.
TYPE_KEY = "$type"
INTROSPECTION = ("__schema", "__type")


def attribute_of(field: GraphQLField) -> str:
    """The name a field has in Python, which is that of its ORM attribute."""
    return str(field.extensions[DEFINITION].python_name)


class Builder:
    """Builds plans against one schema; holds nothing of any request."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self.attributes: dict[str, dict[str, str]] = {
            name: {field: attribute_of(d) for field, d in self.type(name).fields.items()}
            for name in ENTITIES
        }

    def type(self, name: str) -> GraphQLObjectType:
        found = self.schema.type_map[name]
        assert isinstance(found, GraphQLObjectType)
        return found

    def plan(
        self,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues,
    ) -> Template:
        """The plan of a query operation, for these variables and all that decide the same."""
        traced = VariableValues(variables.sources, trace(variables.coerced, ()))
        walk = Walk(self, fragments, traced)
        assert self.schema.query_type is not None
        fields = walk.selections.collect(self.schema.query_type, [operation.selection_set])
        planned = {k: n for k, n in fields.items() if n[0].name.value not in INTROSPECTION}
        walk.rows = len(planned) < len(fields)
        root = tuple((key, walk.root(key, nodes)) for key, nodes in planned.items())
        return walk.values.template(Operation(root, partial=walk.rows), walk.objects)

    def plan_payload(
        self, info: GraphQLResolveInfo[Any], variables: VariableValues, keys: Mapping[str, int]
    ) -> Plan | None:
        """The plan of a mutation's payload: `keys` gives the row of each of its node fields."""
        payload = get_named_type(info.return_type)
        assert isinstance(payload, GraphQLObjectType)
        walk = Walk(self, info.fragments, variables)
        root: list[tuple[str, RootValue]] = []
        for key, nodes in walk.selections.below(payload, info.field_nodes).items():
            name = nodes[0].name.value
            if name in keys:
                entity = entity_named(get_named_type(payload.fields[name].type).name)
                with walk.at(str(info.path.key), info.field_nodes[0]), walk.at(key, nodes[0]):
                    by = ((entity.key, walk.values.add(keys[name])),)
                    root.append((key, Lookup(by, walk.shape(entity, nodes))))
        return Plan(Operation(tuple(root)), tuple(walk.values.items)) if root else None


def type_of_id(global_id: str) -> str:
    return read_global_id(global_id, list(ENTITIES))[0]


def key_of_id(global_id: str) -> int:
    return read_global_id(global_id, list(ENTITIES))[1]


def types_of_ids(ids: list[str]) -> tuple[str, ...]:
    """The types among these ids; raises InvalidPage where there are too many ids."""
    if len(ids) > MAX_NODE_IDS:
        raise InvalidPage(f"`ids` has {len(ids)} entries; at most {MAX_NODE_IDS} are answered.")
    return tuple(sorted({type_of_id(global_id) for global_id in ids}))


@dataclass(frozen=True, slots=True)
class Step:
    key: str
    node: FieldNode


class Walk:
    """One walk through one operation's selections."""

    def __init__(
        self,
        builder: Builder,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues,
    ) -> None:
        self.builder = builder
        self.variables = variables
        # Whether graphql-core completes the rows: where a type is abstract, it needs the name.
        self.rows = True
        self.values = Values()
        self.selections = Selections(builder.schema, fragments, variables)
        self.arguments = ArgumentReader(builder.attributes, self.values)
        self.steps: list[Step] = []
        self.objects = 0

    # ------------------------------------------------------------ errors name path and place

    @contextmanager
    def at(self, key: str, node: FieldNode) -> Iterator[None]:
        """While inside, a request error is one of this field, with its path."""
        self.steps.append(Step(key, node))
        self.objects += 1
        try:
            if self.objects > MAX_OBJECTS:
                raise DocumentTooLarge(f"The document asks for more than {MAX_OBJECTS} objects.")
            if len(self.steps) > MAX_DEPTH:
                raise DocumentTooLarge(f"Fields are nested deeper than {MAX_DEPTH} levels.")
            yield
        except RequestError as error:
            raise self._placed(refuse(error, [node])) from error
        except GraphQLError as error:
            # An argument that cannot be coerced says why, but not where.
            if error.nodes:
                raise
            raise self._placed(GraphQLError(error.message, [node])) from error
        finally:
            self.steps.pop()

    def _placed(self, error: GraphQLError) -> GraphQLError:
        error.path = [step.key for step in self.steps]
        return error

    # ------------------------------------------------------------ roots

    def root(self, key: str, nodes: list[FieldNode]) -> RootValue:
        name = nodes[0].name.value
        query = self.builder.schema.query_type
        assert query is not None
        if name == "__typename":
            return Typename(query.name)
        field = query.fields[name]
        with self.at(key, nodes[0]):
            given = get_argument_values(field, nodes[0], self.variables)
            if name == "node":
                return self._node(given["id"], nodes)
            if name == "nodes":
                return self._nodes(given["ids"], nodes)
            target = get_named_type(field.type)
            assert isinstance(target, GraphQLObjectType)
            if target.name in ENTITIES:
                entity = entity_named(target.name)
                return Lookup(self.arguments.keys(entity, given["by"]), self.shape(entity, nodes))
            node_type = get_named_type(target.fields["nodes"].type)
            return self.page(entity_named(node_type.name), None, query, field, given, nodes)

    def _node(self, global_id: str, nodes: list[FieldNode]) -> Lookup:
        name = self.values.pin("type", global_id, type_of_id)
        entity = entity_named(name)
        key = self.values.add(global_id, key_of_id)
        return Lookup(((entity.key, key),), self.shape(entity, nodes, True))

    def _nodes(self, ids: list[str], nodes: list[FieldNode]) -> NodeList:
        names = self.values.pin("types", ids, types_of_ids)
        return NodeList(
            self.values.add(ids, lambda given: [type_of_id(item) for item in given]),
            self.values.add(ids, lambda given: [key_of_id(item) for item in given]),
            tuple(self.shape(entity_named(name), nodes, True) for name in names),
        )

    # ------------------------------------------------------------ rows

    def shape(self, entity: Entity, nodes: Sequence[FieldNode], abstract: bool = False) -> Shape:
        """The fields of one row; where its type is abstract, the completion needs its name."""
        type_ = self.builder.type(entity.name)
        fields = [
            (key, self._row_value(entity, type_, key, merged))
            for key, merged in self.selections.below(type_, nodes).items()
        ]
        if abstract and self.rows:
            fields.append((TYPE_KEY, Typename(entity.name)))
        return Shape(entity.name, tuple(fields))

    def _row_value(
        self, entity: Entity, type_: GraphQLObjectType, key: str, nodes: list[FieldNode]
    ) -> RowValue:
        name = nodes[0].name.value
        if name == "__typename":
            return Typename(type_.name)
        if name == "id":
            return GlobalId(entity.name)
        field = type_.fields[name]
        attribute = attribute_of(field)
        if not entity.relates(attribute):
            return Column(attribute, is_enum_type(get_named_type(field.type)))
        with self.at(key, nodes[0]):
            if not entity.relationship(attribute).uselist:
                return One(attribute, self.shape(entity.target(attribute), nodes))
            given = get_argument_values(field, nodes[0], self.variables)
            return self.page(entity.target(attribute), attribute, type_, field, given, nodes)

    # ------------------------------------------------------------ pages

    def page(
        self,
        entity: Entity,
        relationship: str | None,
        parent: GraphQLObjectType,
        field: GraphQLField,
        given: Mapping[str, Any],
        nodes: list[FieldNode],
    ) -> Page:
        """A connection field with its arguments."""
        arguments = read_page_arguments(dict(given))
        order = self.arguments.order(entity, given.get("orderBy"))
        terms = "".join(f"{'-' if term.descending else '+'}{term.column}" for term in order)
        scope = f"{parent.name}.{attribute_of(field)}{terms}"
        connection = get_named_type(field.type)
        assert isinstance(connection, GraphQLObjectType)
        return Page(
            entity=entity.name,
            relationship=relationship,
            scope=scope,
            condition=self.arguments.condition(entity, given.get("filter")),
            order=order,
            limit=self._limit(arguments),
            backward=arguments.backward,
            after=self.arguments.position(entity, scope, order, arguments.after),
            before=self.arguments.position(entity, scope, order, arguments.before),
            fields=tuple(
                (key, self._page_value(entity, connection, key, merged))
                for key, merged in self.selections.below(connection, nodes).items()
            ),
        )

    def _limit(self, arguments: PageArguments) -> Param | int:
        """A size that the document states is part of the plan; one of a variable is bound."""
        if not isinstance(arguments.size, Traced):
            return arguments.size
        name = "last" if arguments.backward else "first"
        return self.values.add(arguments.size, lambda size: check_page_size(name, size))

    def _page_value(
        self, entity: Entity, connection: GraphQLObjectType, key: str, nodes: list[FieldNode]
    ) -> PageValue:
        name = nodes[0].name.value
        if name == "__typename":
            return Typename(connection.name)
        if name == "totalCount":
            return TotalCount()
        with self.at(key, nodes[0]):
            if name == "nodes":
                return Nodes(self.shape(entity, nodes))
            part = get_named_type(connection.fields[name].type)
            assert is_object_type(part)
            fields = self.selections.below(part, nodes).items()
            if name == "pageInfo":
                return PageInfo(tuple((k, self._page_fact(part, n)) for k, n in fields))
            return Edges(tuple((k, self._edge_value(entity, part, k, n)) for k, n in fields))

    def _page_fact(self, type_: GraphQLObjectType, nodes: list[FieldNode]) -> PageFact:
        name = nodes[0].name.value
        if name == "__typename":
            return Typename(type_.name)
        # PageInfo has no other fields than the facts of a Boundary.
        return Boundary(attribute_of(type_.fields[name]))  # type: ignore[arg-type]

    def _edge_value(
        self, entity: Entity, type_: GraphQLObjectType, key: str, nodes: list[FieldNode]
    ) -> EdgeValue:
        name = nodes[0].name.value
        if name == "__typename":
            return Typename(type_.name)
        if name == "cursor":
            return Cursor()
        if name == "node":
            with self.at(key, nodes[0]):
                return self.shape(entity, nodes)
        return EdgeColumn(attribute_of(type_.fields[name]))
